//! Finds a name among those that are known, in a few steps however many there are.

/// A table of names, made when the program is compiled.
#[derive(Debug)]
pub(in crate::events) struct Keys<const N: usize> {
    names: [&'static str; N],
    /// For each digest the place of its name plus one, or of one before it that was taken.
    slots: [u8; SLOTS],
}

/// Four times as many as the longest table has names: most names are found, and strangers known, at
/// the first step.
const SLOTS: usize = 256;

impl<const N: usize> Keys<N> {
    pub(in crate::events) const fn new(names: [&'static str; N]) -> Keys<N> {
        assert!(N < SLOTS / 2, "strangers are known by an empty slot");
        let mut slots = [0; SLOTS];
        let mut at = 0;
        while at < N {
            let mut slot = digest(names[at].as_bytes());
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 128")]
            let place = at as u8 + 1;
            slots[slot] = place;
            at += 1;
        }
        Keys { names, slots }
    }

    /// The place of the name in the table.
    #[inline]
    pub(in crate::events) fn find(&self, name: &str) -> Option<usize> {
        let mut slot = digest(name.as_bytes());
        loop {
            let at = usize::from(*self.slots.get(slot)?).checked_sub(1)?;
            if self.names.get(at).is_some_and(|known| *known == name) {
                return Some(at);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// Tells the names of a conversation apart by length and three letters.
#[inline]
const fn digest(name: &[u8]) -> usize {
    if name.is_empty() {
        return 0;
    }
    let (first, middle) = (name[0] as usize, name[name.len() / 2] as usize);
    let last = name[name.len() - 1] as usize;
    (name.len() * 53 + first * 7 + middle * 31 + last * 101) % SLOTS
}

/// Names of members, as an enumeration that can be [found](super::lexer::Known).
macro_rules! known {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(in crate::events) enum $name { $($variant),* }

        impl $crate::events::shapes::lexer::Known for $name {
            #[inline]
            fn find(name: &str) -> Option<$name> {
                static KEYS: $crate::events::shapes::keys::Keys<{ [$($text),*].len() }> =
                    $crate::events::shapes::keys::Keys::new([$($text),*]);
                const ALL: &[$name] = &[$($name::$variant),*];
                ALL.get(KEYS.find(name)?).copied()
            }

            #[inline]
            fn place(self) -> u32 {
                self as u32
            }
        }

        const _: () = assert!([$($text),*].len() <= 64, "a bit for each");
    };
}

pub(in crate::events) use known;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_strangers_are_not() {
        static KEYS: Keys<5> = Keys::new(["id", "di", "queue", "queueId", "x"]);
        for (name, expected) in [
            ("id", Some(0)),
            ("di", Some(1)),
            ("queue", Some(2)),
            ("queueId", Some(3)),
            ("x", Some(4)),
            ("queueID", None),
            ("", None),
            ("ü", None),
        ] {
            assert_eq!(KEYS.find(name), expected, "{name}");
        }
    }
}
