//! Panics of the database as errors.
//!
//! redb verifies a file when it is opened; what is damaged after that, or in a way that it does not
//! foresee, it may meet with a panic. Neither the start nor the thread that writes may end by it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::store::StoreError;

/// Does this work on the store. Where it panics nothing more may be done with that store: it is to
/// be opened anew, which verifies what is there.
///
/// # Errors
///
/// As the work; [`StoreError::Damaged`] if it panics. The panic itself has been told by then, by the
/// process's hook.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // What the work leaves half changed is the store, which is not used again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
        let reason = "reading or writing it fails in the midst".to_owned();
        Err(StoreError::Damaged { reason })
    })
}
