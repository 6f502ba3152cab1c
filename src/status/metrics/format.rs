//! The two texts that Prometheus reads: `OpenMetrics`, and its own older one.
//!
//! Both have the same lines of values. `OpenMetrics` calls a family of counters by its name without
//! `_total`, and says where it ends; the older text does neither. Whoever asks says which it reads
//! (`Accept`); who says nothing gets the older, which everything reads.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    Text,
}

impl Format {
    /// What this `Accept` header asks for.
    pub fn asked(accept: Option<&str>) -> Format {
        let open = |accept: &str| accept.contains("application/openmetrics-text");
        if accept.is_some_and(open) { Format::OpenMetrics } else { Format::Text }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// From what was written as `OpenMetrics`.
    pub(super) fn of(self, open: String) -> String {
        match self {
            Format::OpenMetrics => open,
            Format::Text => older(&open),
        }
    }
}

fn older(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut lines = open.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" {
            continue;
        }
        let is_counter = lines.peek().is_some_and(|next| is_counter(next)) || is_counter(line);
        match described(line).filter(|_| is_counter) {
            Some((start, rest)) => text.extend([start, "_total ", rest, "\n"]),
            None => text.extend([line, "\n"]),
        }
    }
    text
}

fn is_counter(line: &str) -> bool {
    line.starts_with("# TYPE ") && line.ends_with(" counter")
}

/// `# HELP name` and the text behind it; the same of `# TYPE`.
fn described(line: &str) -> Option<(&str, &str)> {
    let name = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "))?;
    let end = line.len() - name.len() + name.find(' ')?;
    Some((&line[..end], &line[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_called_by_their_series_in_the_older_text() {
        let open = "# HELP a_frames What counter\n# TYPE a_frames counter\na_frames_total 1\n\
                    # HELP a_up Whether\n# TYPE a_up gauge\na_up 1\n# EOF\n";
        let text = "# HELP a_frames_total What counter\n# TYPE a_frames_total counter\na_frames_total 1\n\
                    # HELP a_up Whether\n# TYPE a_up gauge\na_up 1\n";
        assert_eq!(Format::Text.of(open.to_owned()), text);
        assert_eq!(Format::OpenMetrics.of(open.to_owned()), open);
    }

    #[test]
    fn who_asks_for_openmetrics_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
        assert_eq!(Format::asked(Some(prometheus)), Format::OpenMetrics);
        assert_eq!(Format::asked(Some("*/*")), Format::Text);
        assert_eq!(Format::asked(None), Format::Text);
    }
}
