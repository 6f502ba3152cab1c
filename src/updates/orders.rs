//! What has to wait although it could go: what somebody has paused, and what a rule may not do more
//! of.
//!
//! Plain values. Who gives orders, and how they outlive the process, is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

/// See the [module](self). Whoever gets others goes by them at once, also for what waits already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Nothing is pushed.
    pub all_paused: bool,
    /// Nothing is pushed by these rules.
    pub rules_paused: BTreeSet<Arc<str>>,
    /// How many writes a rule may make in any minute. A write is a request that carries a key of the
    /// rule. A rule that is not here may make any number.
    pub writes_per_minute: Arc<BTreeMap<Arc<str>, NonZeroU32>>,
}
