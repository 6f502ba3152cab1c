//! The lines of a recording, each with its number. One that is no text, or too long to be an event,
//! is told apart and costs the others nothing.

use std::io::{self, BufRead, Read as _};

/// Genesys closes a socket rather than send more in one frame; some hundred times the largest event.
const LONGEST: u64 = 16 * 1024 * 1024;

pub(super) struct Lines {
    from: Box<dyn BufRead>,
    number: u64,
}

pub(super) struct Line {
    /// The first is 1.
    pub(super) number: u64,
    /// The text, or why there is none.
    pub(super) text: Result<String, String>,
}

impl Lines {
    pub(super) fn new(from: Box<dyn BufRead>) -> Lines {
        Lines { from, number: 0 }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        if self.from.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < LONGEST;
        let text = if whole {
            String::from_utf8(bytes).map_err(|error| {
                format!("it is no UTF-8 from byte {} on", error.utf8_error().valid_up_to())
            })
        } else {
            self.skip()?;
            Err(format!("it is longer than {} MiB", LONGEST >> 20))
        };
        Ok(Some(Line { number: self.number, text }))
    }

    /// Leaves out the rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.from.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.from.consume(end + 1);
                    return Ok(());
                }
                None => {
                    let length = buffer.len();
                    self.from.consume(length);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_text_cost_the_others_nothing() {
        let long = vec![b'x'; usize::try_from(LONGEST).unwrap() + 70_000];
        let bytes = [b"a\n\xff\n", &long[..], b"\nb\r\n\nlast"].concat();
        let mut lines = Lines::new(Box::new(io::Cursor::new(bytes)));
        let mut shown = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            shown.push((line.number, line.text.unwrap_or_else(|reason| format!("({reason})"))));
        }
        let expected = [
            (1, "a\n"),
            (2, "(it is no UTF-8 from byte 0 on)"),
            (3, "(it is longer than 16 MiB)"),
            (4, "b\r\n"),
            (5, "\n"),
            (6, "last"),
        ];
        assert_eq!(shown, expected.map(|(number, text)| (number, text.to_owned())));
    }
}
