//! What the simulator sends, held against Genesys' own schemas and samples.
//!
//! The schemas are not part of the project: they lie in `../shared/genesys` (or `../../shared`)
//! where it is developed. Where they do not, every test here says loudly that it was skipped.
//!
//! Nothing in those schemas is required, so three things are asked: every body is valid, with no
//! property that the schema does not know; for each medium and state every property of the sample
//! frames was sent; and exceptions are listed, and fail when they are not needed.

#![cfg(feature = "simulator")]

mod bodies;
mod cases;
mod daemon;
mod exchanges;
mod properties;
mod published;
mod traffic;
