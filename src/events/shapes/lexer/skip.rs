//! Skips what nobody asked for, and checks it on the way.

use super::{Lexer, Read};

/// How deeply arrays and objects can be in each other. Events have ten levels.
pub(super) const DEEPEST: u32 = 128;

impl Lexer<'_> {
    /// Skips one value, whatever it is.
    pub(in crate::events) fn skip_value(&mut self) -> Read<()> {
        // One bit for each level: whether it is an object.
        let (mut objects, mut depth) = (0_u128, 0_u32);
        loop {
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = open == b'{';
                    if self.peek()? == if is_object { b'}' } else { b']' } {
                        self.at += 1;
                    } else {
                        if depth == DEEPEST {
                            return Err(self.out_of_place());
                        }
                        objects = objects << 1 | u128::from(is_object);
                        depth += 1;
                        self.skip_name(is_object)?;
                        continue;
                    }
                }
                b'"' => {
                    self.quoted()?;
                }
                first => self.bare(first)?,
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        self.skip_name(in_object)?;
                        break;
                    }
                    b'}' if in_object => self.at += 1,
                    b']' if !in_object => self.at += 1,
                    _ => return Err(self.out_of_place()),
                }
                objects >>= 1;
                depth -= 1;
            }
        }
    }

    /// In an object, reads a member's name and the colon.
    #[inline]
    fn skip_name(&mut self, in_object: bool) -> Read<()> {
        if !in_object {
            return Ok(());
        }
        if self.peek()? != b'"' {
            return Err(self.out_of_place());
        }
        self.quoted()?;
        self.value_after_name()
    }

    /// Reads a number or one of the three words.
    #[inline]
    fn bare(&mut self, first: u8) -> Read<()> {
        match first {
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => Err(self.out_of_place()),
        }
    }

    #[inline]
    fn word(&mut self, word: &[u8]) -> Read<()> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        let same = rest.iter().zip(word).take_while(|(found, wanted)| found == wanted).count();
        self.at += same;
        Err(self.broken())
    }
}
