//! What time alone can change about an expression.

use jiff::SignedDuration;

use super::Expression;
use super::node::{Node, Work};
use super::value::Constant;
use crate::rules::field::Path;

/// How an expression changes with time alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Durations that run, and what each is compared with: it may change when that is reached.
    pub reached: Vec<(Path, SignedDuration)>,
    /// It may change at other moments, too, which are not known before.
    pub others: bool,
}

impl Expression {
    /// See [`Limits`].
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let (mut read, mut understood) = (0, 0);
        self.compiled.node.walk(&mut |node| {
            if let Some((path, reached)) = compared(node) {
                understood += 1;
                limits.reached.extend(reached.map(|limit| (path.clone(), limit)));
            } else if let Work::Has(one) = &node.work {
                // That it runs does not change with time.
                understood += usize::from(running(one).is_some());
            } else if let Work::PartyField(_, field, _) = &node.work {
                limits.others |= field.running;
            }
            read += usize::from(running(node).is_some());
            limits.others |= matches!(node.work, Work::Now);
        });
        limits.others |= read > understood;
        limits
    }
}

/// A duration that runs, compared with what is written out.
fn compared(node: &Node) -> Option<(&Path, impl Iterator<Item = SignedDuration>)> {
    let (path, constants) = if let Work::Compare(_, one, other) = &node.work {
        if let Work::Constant(constant) = &other.work {
            (running(one)?, std::slice::from_ref(constant))
        } else if let Work::Constant(constant) = &one.work {
            (running(other)?, std::slice::from_ref(constant))
        } else {
            return None;
        }
    } else if let Work::OneOf(needle, constants) = &node.work {
        (running(needle)?, &constants[..])
    } else {
        return None;
    };
    let durations = constants.iter().filter_map(|constant| match constant {
        Constant::Duration(duration) => Some(*duration),
        Constant::Null
        | Constant::Flag(_)
        | Constant::Whole(_)
        | Constant::Fraction(_)
        | Constant::Text(_)
        | Constant::Time(_) => None,
    });
    Some((path, durations))
}

fn running(node: &Node) -> Option<&Path> {
    let Work::Path(path) = &node.work else { return None };
    path.field.running.then_some(path)
}
