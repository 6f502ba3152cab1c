//! Finds a name among those that are known, in a few steps however many there are.

/// All letters of a name, mixed into 64 bits: what names are told apart by. Whoever could forge one
/// could as well write the name.
pub(in crate::events) type Print = u64;

/// A table of names, made when the program is compiled.
#[derive(Debug)]
pub(in crate::events) struct Keys<const N: usize> {
    names: [Print; N],
    /// For the first bits of each print the place of its name plus one, or of one before it that was
    /// taken.
    slots: [u8; SLOTS],
}

/// Four times as many as the longest table has names: most names are found, and strangers known, at
/// the first step.
const SLOTS: usize = 256;

impl<const N: usize> Keys<N> {
    pub(in crate::events) const fn new(texts: [&str; N]) -> Keys<N> {
        assert!(N < SLOTS / 2, "strangers are known by an empty slot");
        let (mut names, mut slots) = ([0; N], [0; SLOTS]);
        let mut at = 0;
        while at < N {
            names[at] = print(texts[at]);
            let mut slot = first_slot(names[at]);
            while slots[slot as usize] != 0 {
                assert!(names[slots[slot as usize] as usize - 1] != names[at], "twice the same");
                slot = slot.wrapping_add(1);
            }
            #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 128")]
            let place = at as u8 + 1;
            slots[slot as usize] = place;
            at += 1;
        }
        Keys { names, slots }
    }

    /// The place of the name in the table.
    #[inline]
    pub(in crate::events) fn find(&self, name: Print) -> Option<usize> {
        let mut slot = first_slot(name);
        loop {
            let at = usize::from(self.slots[usize::from(slot)]).checked_sub(1)?;
            if self.names.get(at) == Some(&name) {
                return Some(at);
            }
            slot = slot.wrapping_add(1);
        }
    }
}

/// The highest bits depend on all letters.
#[inline]
const fn first_slot(name: Print) -> u8 {
    (name >> 56) as u8
}

/// The print of a name to which eight letters more are added, or the last ones, filled up with zeros:
/// none to seven.
#[inline(always)]
pub(in crate::events) const fn mixed(print: Print, letters: u64) -> Print {
    (print.rotate_left(26) ^ letters).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(in crate::events) const fn print(name: &str) -> Print {
    let letters = name.as_bytes();
    let (mut print, mut word, mut at) = (0, 0, 0);
    while at < letters.len() {
        word |= (letters[at] as u64) << (8 * (at % 8));
        at += 1;
        if at % 8 == 0 {
            print = mixed(print, word);
            word = 0;
        }
    }
    mixed(print, word)
}

/// Names of members, as an enumeration that can be [found](super::lexer::Known).
macro_rules! known {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(in crate::events) enum $name { $($variant),* }

        impl $crate::events::shapes::lexer::Known for $name {
            #[inline]
            fn find(name: $crate::events::shapes::keys::Print) -> Option<$name> {
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
            ("a name that is longer than any", None),
        ] {
            assert_eq!(KEYS.find(print(name)), expected, "{name}");
        }
    }
}
