//! A first look at the text of an expression, before it is parsed.
//!
//! It finds what people get wrong most often and says it in their terms, and it bounds what the
//! parser is given, whose stack grows with the nesting of the text.

use super::mistake::Mistake;

/// Bytes of one expression. A list of some hundred words fits; more belongs into a list file.
pub(super) const MAX_LENGTH: usize = 16_384;

/// Operators that can nest, brackets included, in one expression. The stack of the parser, the
/// checker and the evaluator grows with each, a little.
pub(super) const MAX_OPERATORS: usize = 160;

/// Brackets within brackets, and choices (`?`) within them: more than anybody can read.
pub(super) const MAX_DEPTH: usize = 24;

/// Words of other languages, and what stands for them here.
const FOREIGN: [(&str, &str); 6] =
    [("and", "&&"), ("or", "||"), ("not", "!"), ("AND", "&&"), ("OR", "||"), ("NOT", "!")];

/// One piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Piece {
    Space,
    Comment,
    /// A text in quotes, with its prefix; `closed` if the quotes end.
    Quoted {
        closed: bool,
    },
    Word,
    Sign,
}

/// The pieces of a text with their places, from the first byte to the last.
pub(in crate::rules) struct Pieces<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Pieces<'t> {
    pub(in crate::rules) fn new(text: &'t str, at: usize) -> Pieces<'t> {
        Pieces { text, at }
    }
}

impl Iterator for Pieces<'_> {
    type Item = (Piece, std::ops::Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (piece, length) = if first.is_whitespace() {
            (Piece::Space, run(char::is_whitespace))
        } else if rest.starts_with("//") {
            (Piece::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if first == '"' || first == '\'' {
            quoted(rest, 0, false)
        } else if is_of_word(first) {
            let length = run(is_of_word);
            let raw = matches!(&rest[..length], "r" | "R" | "b" | "B" | "br" | "bR" | "Br" | "BR");
            match rest[length..].chars().next() {
                Some('"' | '\'') if raw => {
                    quoted(rest, length, rest[..length].contains(['r', 'R']))
                }
                _ => (Piece::Word, length),
            }
        } else {
            (Piece::Sign, first.len_utf8())
        };
        let place = self.at..self.at + length;
        self.at = place.end;
        Some((piece, place))
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text in quotes that begins after so many bytes of prefix, and its length.
fn quoted(rest: &str, prefix: usize, raw: bool) -> (Piece, usize) {
    let inside = &rest[prefix..];
    let triple = inside.starts_with("\"\"\"") || inside.starts_with("'''");
    let quote = &inside[..if triple { 3 } else { 1 }];
    let mut at = quote.len();
    while let Some(c) = inside[at..].chars().next() {
        if inside[at..].starts_with(quote) {
            return (Piece::Quoted { closed: true }, prefix + at + quote.len());
        }
        if c == '\n' && !triple {
            break;
        }
        at += c.len_utf8();
        if c == '\\' && !raw {
            at += inside[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    (Piece::Quoted { closed: false }, prefix + at.min(inside.len()))
}

/// Finds what is wrong at first sight; else gives how deep the text is nested.
pub(super) fn scan(text: &str) -> Result<usize, Vec<Mistake>> {
    if text.trim().is_empty() {
        let help = "write a field, customer.number, or a condition: participant.held && has(customer.name)";
        return Err(vec![Mistake::new(0..text.len(), "there is nothing here", help)]);
    }
    if text.len() > MAX_LENGTH {
        let message = format!("an expression has at most {MAX_LENGTH} bytes");
        let help = "keep long lists of values in [lists.NAME], and ask with in_list or lookup()";
        return Err(vec![Mistake::new(0..text.len(), message, help)]);
    }
    let mut scan = Scan {
        text,
        open: Vec::new(),
        operators: 0,
        choices: 0,
        deepest: (0, 0),
        mistakes: Vec::new(),
    };
    for (piece, at) in Pieces::new(text, 0) {
        match piece {
            Piece::Space | Piece::Comment | Piece::Quoted { closed: true } => {}
            Piece::Quoted { closed: false } => {
                scan.mistake(at, "this text is never closed", "write the same quote at its end");
                return Err(scan.mistakes);
            }
            Piece::Word => scan.word(at),
            Piece::Sign => scan.sign(at.start),
        }
    }
    scan.finish()
}

struct Scan<'t> {
    text: &'t str,
    /// The brackets that are open, with their places.
    open: Vec<(char, usize)>,
    operators: usize,
    choices: usize,
    /// How deep it went, with the place.
    deepest: (usize, usize),
    mistakes: Vec<Mistake>,
}

impl Scan<'_> {
    fn word(&mut self, at: std::ops::Range<usize>) {
        let word = &self.text[at.clone()];
        // After a dot it is the name of a field.
        let field = self.text[..at.start].trim_end().ends_with('.');
        if let Some((_, sign)) = FOREIGN.iter().find(|(foreign, _)| *foreign == word)
            && !field
        {
            self.mistake(at, format!("`{word}` is not a word here"), format!("write {sign}"));
        } else if word == "in" {
            self.operators += 1;
        }
    }

    fn sign(&mut self, at: usize) {
        let Some(sign) = self.text[at..].chars().next() else { return };
        let before = self.text[..at].chars().next_back().unwrap_or(' ');
        let after = self.text[at + sign.len_utf8()..].chars().next().unwrap_or(' ');
        match sign {
            '(' | '[' | '{' => {
                self.operators += 1;
                self.open.push((sign, at));
                self.deepest = self.deepest.max((self.open.len() + self.choices, at));
            }
            '?' if after == '.' => {
                let help = "write . alone: what is missing is absent, and never an error";
                self.mistake(at..at + 2, "`?.` is not known here", help);
            }
            '?' => {
                self.operators += 1;
                self.choices += 1;
                self.deepest = self.deepest.max((self.open.len() + self.choices, at));
            }
            ')' | ']' | '}' => self.close(sign, at),
            '.' | '+' | '-' | '*' | '/' | '%' | '<' | '>' | '!' => self.operators += 1,
            '=' if !matches!(before, '=' | '!' | '<' | '>') && after != '=' => {
                self.mistake(at..at + 1, "`=` does not compare", "write ==");
            }
            '=' if before == '=' && after == '=' => {
                self.mistake(at - 1..at + 2, "`===` is not known here", "write ==");
            }
            '=' if after == '=' => self.operators += 1,
            '&' | '|' if before != sign && after != sign => {
                let help = format!("write {sign}{sign}");
                self.mistake(at..at + 1, format!("`{sign}` alone is not known here"), help);
            }
            '“' | '”' | '„' | '‘' | '’' | '´' | '`' => {
                let help = "write straight quotes: \"…\" or '…'";
                self.mistake(at..at + sign.len_utf8(), format!("`{sign}` is no quote here"), help);
            }
            _ => {}
        }
    }

    fn close(&mut self, sign: char, at: usize) {
        let wanted = match sign {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        match self.open.pop() {
            Some((open, _)) if open == wanted => {}
            Some((open, place)) => {
                let message = format!("`{sign}` closes nothing: `{open}` is open");
                self.mistake(at..at + 1, message, format!("close the `{open}` first"));
                // What follows was most likely meant for what is open.
                self.open.push((open, place));
            }
            None => {
                let message = format!("`{sign}` closes nothing");
                self.mistake(at..at + 1, message, format!("leave it out, or write `{wanted}`"));
            }
        }
    }

    fn finish(mut self) -> Result<usize, Vec<Mistake>> {
        if self.mistakes.is_empty()
            && let Some((open, at)) = self.open.pop()
        {
            let close = match open {
                '(' => ')',
                '[' => ']',
                _ => '}',
            };
            let message = format!("`{open}` is never closed");
            self.mistake(at..at + 1, message, format!("write `{close}` where it ends"));
        }
        if self.mistakes.is_empty() && self.deepest.0 > MAX_DEPTH {
            let at = self.deepest.1;
            let message = format!("this is nested too deeply: {MAX_DEPTH} levels are the most");
            self.mistake(at..at + 1, message, "write several rules, or a simpler expression");
        }
        if self.mistakes.is_empty() && self.operators > MAX_OPERATORS {
            let message = format!(
                "this expression has {} operators; {MAX_OPERATORS} is the most",
                self.operators
            );
            let help = "write several rules, or use a list: x in [\"a\", \"b\"]";
            self.mistake(0..self.text.len(), message, help);
        }
        if self.mistakes.is_empty() { Ok(self.deepest.0) } else { Err(self.mistakes) }
    }

    fn mistake(
        &mut self,
        at: std::ops::Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.mistakes.push(Mistake::new(at, message, help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text() {
        let text = "a.b == \"x\\\"}}\" // '\n && r'\\' + '''it's''' é“";
        let mut end = 0;
        let mut shown = Vec::new();
        for (piece, at) in Pieces::new(text, 0) {
            assert_eq!(at.start, end);
            end = at.end;
            if piece != Piece::Space {
                shown.push(&text[at]);
            }
        }
        assert_eq!(end, text.len());
        let expected = [
            "a",
            ".",
            "b",
            "=",
            "=",
            "\"x\\\"}}\"",
            "// '",
            "&",
            "&",
            "r'\\'",
            "+",
            "'''it's'''",
            "é",
            "“",
        ];
        assert_eq!(shown, expected);
    }
}
