//! A local Genesys Cloud.
