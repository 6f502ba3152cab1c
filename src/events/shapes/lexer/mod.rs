//! Goes through a JSON text once, from token to token, and copies nothing.
//!
//! What is not asked for is skipped as fast as what is, and checked as it is skipped: a text that is
//! no JSON is found out wherever the fault stands. One thing is let pass because honest writers
//! do it: half a surrogate pair, which a program leaves that cuts an emoji in two, becomes U+FFFD.
//! A strict reader would refuse the whole body, and a conversation with such a subject would go
//! without attributes to its end.

mod fault;
mod quoted;
mod scan;
mod skip;

use self::fault::{Fault, Kind};
pub(in crate::events) use self::quoted::Quoted;
use self::scan::{first, plain, specials};
use super::keys::{Print, mixed, print};
use super::unreadable::Unreadable;

/// A text, and how far it has been read.
#[derive(Debug)]
pub(in crate::events) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where the text began and ended that was read last, and whether it has escapes. It is noted
    /// here and not handed back, and so is the fault, because what fits into a register is handed
    /// back much faster.
    quoted: (usize, usize),
    escaped: bool,
    fault: Option<Fault>,
}

/// Names of members that somebody wants to know of.
pub(in crate::events) trait Known: Copy {
    fn find(name: Print) -> Option<Self>;

    /// Its place among them, less than 64.
    fn place(self) -> u32;
}

/// The text is not JSON; the lexer knows where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::events) struct Broken;

pub(in crate::events) type Read<T> = Result<T, Broken>;

impl<'a> Lexer<'a> {
    pub(in crate::events) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0, quoted: (0, 0), escaped: false, fault: None }
    }

    /// The text from there to where it has been read.
    pub(in crate::events) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// How far it has been read; after [`Lexer::peek`], up to the token that was seen.
    pub(in crate::events) fn at(&self) -> usize {
        self.at
    }

    /// What has not been read yet.
    pub(in crate::events) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Goes on behind a value of that length, which somebody read before.
    pub(in crate::events) fn step_over(&mut self, length: usize) {
        self.at += length;
    }

    /// The first byte of the next token.
    #[inline(always)]
    pub(in crate::events) fn peek(&mut self) -> Read<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(self.broken()),
            }
        }
    }

    /// Makes sure that nothing follows.
    pub(in crate::events) fn end(&mut self) -> Read<()> {
        if self.peek().is_ok() { Err(self.out_of_place()) } else { Ok(()) }
    }

    /// Reads an object; returns false where the next value is none, and skips that. `each` reads the
    /// values of the members that are known.
    #[inline]
    pub(in crate::events) fn object<K: Known>(
        &mut self,
        mut each: impl FnMut(&mut Lexer<'a>, K) -> Read<()>,
    ) -> Read<bool> {
        let mut seen = 0_u64;
        self.each_member(|lexer| {
            let name = lexer.name()?;
            lexer.value_after_name()?;
            let Some(known) = K::find(name) else { return lexer.skip_value() };
            let bit = 1 << known.place();
            if seen & bit != 0 {
                return Err(lexer.named_twice());
            }
            seen |= bit;
            each(lexer, known)
        })
    }

    /// Reads an object whose names nobody knows beforehand.
    #[inline]
    pub(in crate::events) fn members(
        &mut self,
        mut each: impl FnMut(&mut Lexer<'a>, Quoted<'a>) -> Read<()>,
    ) -> Read<bool> {
        self.each_member(|lexer| {
            lexer.quoted()?;
            let name = lexer.as_quoted();
            lexer.value_after_name()?;
            each(lexer, name)
        })
    }

    /// `each` reads a name, the colon and a value.
    #[inline]
    fn each_member(&mut self, mut each: impl FnMut(&mut Lexer<'a>) -> Read<()>) -> Read<bool> {
        if self.peek()? != b'{' {
            return self.skip_value().map(|()| false);
        }
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(true);
        }
        loop {
            if self.peek()? != b'"' {
                return Err(self.out_of_place());
            }
            each(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(true);
                }
                _ => return Err(self.out_of_place()),
            }
        }
    }

    /// Reads an array, each of its elements by `each`; what is none is skipped.
    #[inline]
    pub(in crate::events) fn array(
        &mut self,
        mut each: impl FnMut(&mut Lexer<'a>) -> Read<()>,
    ) -> Read<()> {
        if self.peek()? != b'[' {
            return self.skip_value();
        }
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            each(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.out_of_place()),
            }
        }
    }

    /// Steps over the colon.
    #[inline]
    fn value_after_name(&mut self) -> Read<()> {
        if self.peek()? != b':' {
            return Err(self.out_of_place());
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a text as a name, or a word, that may be known; it stands at the quotation mark.
    #[inline(always)]
    pub(in crate::events) fn name(&mut self) -> Read<Print> {
        let start = self.at + 1;
        let (mut at, mut name) = (start, 0);
        let (chunks, _) = self.text.as_bytes().get(start..).unwrap_or_default().as_chunks::<8>();
        for chunk in chunks {
            let letters = u64::from_le_bytes(*chunk);
            let special = specials(letters);
            if special == 0 {
                name = mixed(name, letters);
                at += 8;
                continue;
            }
            let length = first(special);
            at += length;
            if chunk.get(length) != Some(&b'"') {
                break;
            }
            self.quoted = (start, at);
            self.escaped = false;
            self.at = at + 1;
            return Ok(mixed(name, letters & ((1 << (8 * length)) - 1)));
        }
        self.unusual_name()
    }

    /// As [`Lexer::name`], for one with escapes or at the very end.
    #[inline(never)]
    fn unusual_name(&mut self) -> Read<Print> {
        self.quoted()?;
        Ok(print(&self.as_quoted().text()))
    }

    /// Reads a text, if the next value is one; else it is skipped.
    #[inline(always)]
    pub(in crate::events) fn text(&mut self) -> Read<Option<Quoted<'a>>> {
        if self.peek()? == b'"' {
            self.quoted()?;
            return Ok(Some(self.as_quoted()));
        }
        self.skip_value()?;
        Ok(None)
    }

    /// The text that was read last.
    #[inline(always)]
    pub(in crate::events) fn as_quoted(&self) -> Quoted<'a> {
        let (start, end) = self.quoted;
        Quoted { raw: &self.text[start..end], escaped: self.escaped }
    }

    /// Reads the next value by `read`, or skips it where it cannot be read so.
    pub(in crate::events) fn attempt<T>(
        &mut self,
        read: impl FnOnce(&mut Lexer<'a>) -> Read<T>,
    ) -> Read<Option<T>> {
        let start = self.at;
        match read(self) {
            Ok(value) => Ok(Some(value)),
            Err(Broken) => {
                (self.at, self.fault) = (start, None);
                self.skip_value().map(|()| None)
            }
        }
    }

    /// Reads a flag; any other value is skipped.
    #[inline]
    pub(in crate::events) fn flag(&mut self) -> Read<Option<bool>> {
        let first = self.peek()?;
        self.skip_value()?;
        Ok(match first {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        })
    }

    /// Reads a number as it stands there.
    pub(in crate::events) fn number(&mut self) -> Read<&'a str> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(_) | None => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        // A digit that follows a leading zero is out of place, and found so by whoever reads on.
        Ok(self.since(start))
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.broken()) } else { Ok(()) }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads from one quotation mark to the next; it stands at the first.
    #[inline(never)]
    fn quoted(&mut self) -> Read<()> {
        let start = self.at + 1;
        let mut escaped = false;
        self.at = start;
        loop {
            self.at += plain(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.byte() {
                Some(b'"') => {
                    self.quoted = (start, self.at);
                    self.escaped = escaped;
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) | None => return Err(self.broken()),
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Read<()> {
        self.at += 1;
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.byte().is_some_and(|digit| digit.is_ascii_hexdigit()) {
                        return Err(self.broken());
                    }
                    self.at += 1;
                }
            }
            Some(_) | None => return Err(self.broken()),
        }
        Ok(())
    }

    /// What stands here does not belong here, or there is nothing more.
    #[cold]
    fn broken(&mut self) -> Broken {
        if self.at < self.text.len() {
            return self.out_of_place();
        }
        self.fault = Some(Fault { kind: Kind::EndsEarly, at: self.at });
        Broken
    }

    #[cold]
    fn out_of_place(&mut self) -> Broken {
        self.fault = Some(Fault { kind: Kind::OutOfPlace, at: self.at + 1 });
        Broken
    }

    #[cold]
    fn named_twice(&mut self) -> Broken {
        self.fault = Some(Fault { kind: Kind::NamedTwice, at: self.quoted.1 + 1 });
        Broken
    }

    /// Tells why the text is not JSON, once a call has failed.
    #[cold]
    pub(in crate::events) fn unreadable(&self) -> Unreadable {
        let otherwise = Fault { kind: Kind::OutOfPlace, at: self.at };
        self.fault.unwrap_or(otherwise).in_text(self.text)
    }
}

#[cfg(test)]
mod tests;
