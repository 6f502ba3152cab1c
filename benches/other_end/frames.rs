//! Frames as Genesys Cloud sends them, each the news of one of many conversations.
//!
//! All are one sample, a call that an agent has answered, with other ids and values at the same places
//! of the text: a frame costs its copy. In each round every conversation has one frame, whose customer
//! has another value of `bench.value`, and, as `cc.copy`, the value of the round before: what a rule
//! that copies the one to the other has written by then.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use http::{Request, header};

/// Numbers in ids and values have so many digits.
const DIGITS: usize = 12;
const USER: &str = "10000000-0000-4000-8000-";
const CONVERSATION: &str = "20000000-0000-4000-8000-";
const CUSTOMER: &str = "30000000-0000-4000-8000-";
const VALUE: &str = "a value as rules have them, ";
/// Of a text of less than 64 KiB, unmasked and in one frame.
pub(crate) const HEADER: usize = 4;

/// Bytes that are written at a time.
const BATCH: usize = 128 << 10;

/// An agent has answered.
pub(crate) const CONNECTED: &str = "voice-inbound-02-connected";

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct Frames {
    /// With the header of its WebSocket frame, and 0 for each number.
    template: Vec<u8>,
    holes: Vec<(usize, Hole)>,
    /// Conversations that live at the same time.
    pub(crate) live: u64,
    users: u64,
}

#[derive(Clone, Copy)]
enum Hole {
    User,
    Conversation,
    /// What is wished.
    Value,
    /// What was written before.
    Before,
}

impl Frames {
    /// A sample's, in an endless round of so many conversations of so many users.
    pub(crate) fn new(sample: &str, live: u64, users: u64) -> Frames {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/events");
        let sample = folder.join(sample).with_extension("json");
        let mut text = without_layout(&std::fs::read_to_string(sample).unwrap());
        for (there, instead) in [
            ("68b50539-d89c-56ea-beeb-bc5fb123e177", format!("{USER}uuuuuuuuuuuu")),
            ("0cfda4f3-f47d-5604-b1b0-9d2ba81aa010", format!("{CONVERSATION}cccccccccccc")),
            ("5c02f952-9a6a-59c1-bf69-6a7791864c8c", format!("{CUSTOMER}cccccccccccc")),
        ] {
            assert!(text.contains(there), "the sample has changed");
            text = text.replace(there, &instead);
        }
        // The first attributes are the customer's.
        let attributes = format!(
            "\"menu.choice\":\"billing\",\"bench.value\":\"{VALUE}vvvvvvvvvvvv\",\
             \"cc.copy\":\"{VALUE}bbbbbbbbbbbb\""
        );
        let more = text.replacen("\"menu.choice\":\"billing\"", &attributes, 1);
        assert_ne!(text, more, "the sample has changed");
        let length = u16::try_from(more.len()).unwrap().to_be_bytes();
        let mut template = vec![0x81, 126, length[0], length[1]];
        template.extend_from_slice(more.as_bytes());
        let mut holes = Vec::new();
        for (letter, hole) in [
            (b'u', Hole::User),
            (b'c', Hole::Conversation),
            (b'v', Hole::Value),
            (b'b', Hole::Before),
        ] {
            let places = HEADER..=template.len() - DIGITS;
            let here = places.filter(|at| template[*at..*at + DIGITS] == [letter; DIGITS]);
            holes.extend(here.map(|at| (at, hole)));
        }
        Frames { template, holes, live, users }
    }

    /// Appends the `n`th frame, from 0 on.
    pub(crate) fn append(&self, n: u64, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&self.template);
        for (at, hole) in &self.holes {
            let mut number = match hole {
                Hole::User => self.conversation(n) % self.users,
                Hole::Conversation => self.conversation(n),
                Hole::Value => n + self.live,
                Hole::Before => n,
            };
            for digit in to[start + at..start + at + DIGITS].iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).unwrap();
                number /= 10;
            }
        }
    }

    /// Writes these frames, several at a time.
    pub(crate) fn write(&self, frames: Range<u64>, to: &mut impl Write) -> io::Result<()> {
        let mut batch = Vec::new();
        for n in frames {
            self.append(n, &mut batch);
            if batch.len() >= BATCH {
                to.write_all(&batch)?;
                batch.clear();
            }
        }
        to.write_all(&batch)
    }

    /// The request that the `n`th frame brings about, as the daemon makes it.
    pub(crate) fn request(&self, url: &str, n: u64) -> Request<Bytes> {
        let conversation = self.conversation(n);
        let path = format!(
            "/api/v2/conversations/{CONVERSATION}{conversation:012}/participants/{CUSTOMER}{conversation:012}/attributes"
        );
        let value = n + self.live;
        let body = format!("{{\"attributes\":{{\"cc.copy\":\"{VALUE}{value:012}\"}}}}");
        Request::patch(format!("{url}{path}"))
            .header(header::AUTHORIZATION, "Bearer t")
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .unwrap()
    }

    /// The conversation of the `n`th frame.
    fn conversation(&self, n: u64) -> u64 {
        n % self.live
    }
}

/// The id of the `n`th user.
pub(crate) fn user(n: u64) -> String {
    format!("{USER}{n:012}")
}

/// JSON as it is sent: what is between its words is left out.
fn without_layout(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let kept = |c: &char| {
        if !quoted && c.is_ascii_whitespace() {
            return false;
        }
        if *c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = *c == '\\' && !escaped;
        true
    };
    text.chars().filter(kept).collect()
}
