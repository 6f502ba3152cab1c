//! Goes through a JSON text once, from token to token, and copies nothing.
//!
//! What is not asked for is skipped as fast as what is, and checked as it is skipped: a text that is
//! no JSON is found out wherever the fault stands. One thing is let pass because honest writers
//! do it: half a surrogate pair, which a program leaves that cuts an emoji in two, becomes U+FFFD.
//! A strict reader would refuse the whole body, and a conversation with such a subject would go
//! without attributes to its end.

use std::borrow::Cow;

use super::keys::{Print, mixed, print};
use super::unreadable::Unreadable;

/// How deeply arrays and objects can be in each other. Events have ten levels.
const DEEPEST: u32 = 128;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

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

/// Why the text is not JSON, and how much of it had been read by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    kind: Kind,
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    EndsEarly,
    OutOfPlace,
    NamedTwice,
}

/// What stands between two quotation marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::events) struct Quoted<'a> {
    /// As it stands in the text.
    pub(in crate::events) raw: &'a str,
    /// There are escapes in it.
    pub(in crate::events) escaped: bool,
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
        if self.byte() == Some(b'0') {
            self.at += 1
        } else {
            self.digits()?
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

/// How many bytes come before the next quotation mark, backslash or control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let special = specials(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + first(special);
        }
        at += 8;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// Which of eight bytes are quotation marks, backslashes or control characters: of the lowest one
/// the highest bit is set; above it a borrow can set others.
#[inline]
fn specials(word: u64) -> u64 {
    let is = |byte: u8| {
        let differs = word ^ (LOW * u64::from(byte));
        differs.wrapping_sub(LOW) & !differs
    };
    let is_control = word.wrapping_sub(LOW * 0x20) & !word;
    (is(b'"') | is(b'\\') | is_control) & HIGH
}

#[inline]
fn first(special: u64) -> usize {
    special.trailing_zeros() as usize / 8
}

impl<'a> Quoted<'a> {
    /// What it says, without escapes.
    pub(in crate::events) fn text(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescaped(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

#[cold]
fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let letter = escape.chars().next().unwrap_or('\\');
        let mut length = letter.len_utf8();
        text.push(match letter {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = unit(escape.get(1..5));
                let second = escape.get(5..7).filter(|next| *next == "\\u");
                let second = second.and_then(|_| unit(escape.get(7..11)));
                let pair = match (first, second) {
                    (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
                        char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
                    }
                    _ => None,
                };
                length = if pair.is_some() { 11 } else { 5 };
                let single = || first.and_then(char::from_u32);
                pair.or_else(single).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            itself => itself,
        });
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The code unit that four digits stand for.
fn unit(digits: Option<&str>) -> Option<u32> {
    u32::from_str_radix(digits?, 16).ok()
}

impl Fault {
    /// Tells of the fault in that text.
    #[cold]
    fn in_text(self, text: &str) -> Unreadable {
        let before = text.as_bytes().get(..self.at).unwrap_or(text.as_bytes());
        let lines = before.split(|byte| *byte == b'\n');
        Unreadable::NotJson {
            what: match self.kind {
                Kind::EndsEarly => "it ends too early",
                Kind::OutOfPlace => "a character or number that does not belong there",
                Kind::NamedTwice => "an object names a field twice",
            },
            line: lines.clone().count(),
            column: lines.last().map_or(0, <[u8]>::len),
        }
    }
}

#[cfg(test)]
mod tests;
