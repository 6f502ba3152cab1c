//! What is said of mistakes in a test file.
