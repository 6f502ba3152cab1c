//! Rules whose keys are of the same parts, found by the print of a combination of values.
//!
//! It is made once and never changes, so it needs no hash table with its spare room: prints stand in
//! order, and a directory by their first bits leads to the one or two that have to be compared.

use super::prints::Print;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Group {
    /// Of what the key is made, ascending.
    pub(super) parts: Box<[usize]>,
    /// So many of a print's first bits say where in the directory it is.
    bits: u32,
    /// Where the prints begin that have these first bits; one more, for where the last ones end.
    directory: Box<[u32]>,
    /// The first halves of prints, ascending, each with where its rules begin; one more, for where
    /// the last ones end. Two prints of one half only share their candidates.
    prints: Box<[(u32, u32)]>,
    rules: Box<[u32]>,
}

impl Group {
    /// Rules by the prints of their combinations, in any order.
    pub(super) fn new(parts: Vec<usize>, pairs: Vec<(Print, u32)>) -> Group {
        let mut pairs: Vec<(u32, u32)> =
            pairs.into_iter().map(|(print, rule)| (half(print), rule)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let same = || pairs.chunk_by(|one, next| one.0 == next.0);
        let mut prints = Vec::with_capacity(same().count() + 1);
        let mut from = 0;
        for rules in same() {
            prints.extend(rules.first().map(|(print, _)| (*print, from)));
            from += number(rules.len());
        }
        // Between one and two prints for each entry.
        let bits = prints.len().checked_ilog2().unwrap_or_default().clamp(1, 31);
        let entry = |of: usize| {
            let before = |(print, _): &(u32, u32)| ((print >> (32 - bits)) as usize) < of;
            number(prints.partition_point(before))
        };
        let directory = (0..=1_usize << bits).map(entry).collect();
        prints.push((u32::MAX, from));
        let mut rules = Vec::with_capacity(pairs.len());
        rules.extend(pairs.into_iter().map(|(_, rule)| rule));
        Group { parts: parts.into(), bits, directory, prints: prints.into(), rules: rules.into() }
    }

    /// The rules that have this combination in their keys.
    #[inline]
    pub(super) fn rules(&self, print: Print) -> &[u32] {
        let print = half(print);
        let entry = (print >> (32 - self.bits)) as usize;
        let (from, to) = (self.directory[entry] as usize, self.directory[entry + 1] as usize);
        // With the one behind them, where the rules of the last end.
        let near = self.prints.get(from..=to).unwrap_or_default();
        let found = near.windows(2).find(|pair| pair[0].0 == print);
        let rules = found.and_then(|pair| self.rules.get(pair[0].1 as usize..pair[1].1 as usize));
        rules.unwrap_or_default()
    }
}

/// The half that is mixed best.
fn half(print: Print) -> u32 {
    u32::try_from(print >> 32).unwrap_or_default()
}

/// There are fewer pairs of rules and combinations than numbers of 32 bits.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::prints;
    use super::*;

    #[test]
    fn each_print_leads_to_its_rules_and_others_to_none() {
        for count in [0, 1, 2, 3, 4, 5, 31, 32, 33, 1_000] {
            let print = |at: u32| prints::with(7, u64::from(at / 2));
            let pairs = (0..count).flat_map(|at| [(print(at), at), (print(at), at)]).collect();
            let group = Group::new(vec![3, 5], pairs);
            for at in 0..count {
                let both = [at - at % 2, at - at % 2 + 1];
                let there = if both[1] < count { &both[..] } else { &both[..1] };
                assert_eq!(group.rules(print(at)), there, "{at} of {count}");
            }
            for other in [0, u64::MAX, 1 << 63, print(count + 2)] {
                assert!(group.rules(other).is_empty(), "{other:x} of {count}");
            }
        }
    }
}
