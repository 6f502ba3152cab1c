//! Minutes of a full outbox against the simulator's budget, in virtual time: the account with its pacer
//! as they are, on one side, and the simulator's gate on the other; between them a way that takes
//! its time. What is different from run to run comes from a seed, and what came of it is judged by the
//! simulator's count.

mod conditions;
mod judged;
mod played;
mod way;

pub(crate) use self::conditions::{Conditions, Scenario};
pub(crate) use self::judged::Tally;
pub(crate) use self::played::{Settings, play};
