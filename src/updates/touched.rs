//! Whose rows in the journal may have changed since it was last given them.

use std::collections::BTreeSet;

use super::outbox::Target;

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Touched {
    targets: BTreeSet<Target>,
    unwanted: bool,
}

impl Touched {
    pub(crate) fn note(&mut self, target: &Target) {
        if !self.unwanted && !self.targets.contains(target) {
            self.targets.insert(target.clone());
        }
    }

    /// Those that were noted since this was last asked.
    pub(crate) fn take(&mut self) -> BTreeSet<Target> {
        std::mem::take(&mut self.targets)
    }

    /// There is no journal: nobody is noted any more.
    pub(crate) fn forget(&mut self) {
        self.targets.clear();
        self.unwanted = true;
    }
}
