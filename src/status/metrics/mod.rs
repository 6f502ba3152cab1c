//! `/metrics`: everything that is counted, and how it is now, for Prometheus.
//!
//! Made at each scrape from an [`Overview`] and the [`Counts`]; the loops do not know of it. Every
//! series is there from the start, at 0, so that `increase()` sees the first of everything; those by
//! rule are as many as `monitoring.rule_series`, the rest under `rule=""`. No label grows with users
//! or conversations: names of rules, numbers of channels and fixed words are all there is.
//!
//! What is named here is part of the contract: the alerts, the dashboard and the documents go by it,
//! and a test holds them to a scrape of the real program.

mod account;
mod events;
mod format;
mod process;
mod sheet;
mod state;
mod updates;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

pub use self::format::Format;
use self::process::Process;
use self::sheet::Sheet;
use super::counts::Counts;
use super::overview::{Overview, seconds};

/// What a scrape is made from.
#[derive(Debug)]
pub struct Facts {
    pub overview: Arc<Overview>,
    pub counts: Arc<Counts>,
    /// Of the journal's file; 0 if there is none.
    pub journal_bytes: u64,
}

/// Everything, in this format.
///
/// # Errors
///
/// None that is known of: a text has always room.
pub fn render(facts: Facts, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { facts, process: Process::read() }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(format.of(text))
}

#[derive(Debug)]
struct Scrape {
    facts: Facts,
    process: Process,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Facts { overview, counts, journal_bytes } = &self.facts;
        let sheet = &mut Sheet(encoder);
        state::write(sheet, overview)?;
        events::write(sheet, overview, counts)?;
        updates::write(sheet, overview, counts, *journal_bytes)?;
        account::write(sheet, overview, counts)?;
        self.process.write(sheet, seconds(overview.started_at))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::status::overview::{Account, Channel, Rule};

    fn facts() -> Facts {
        let counts = Counts::default();
        counts.rules.in_force([(Arc::from("vip \"pop\""), false)].into_iter(), 1);
        counts.rules.table().of("vip \"pop\"").matched(1_700_000_000_000);
        counts.rules.table().of("another").errors.add(3);
        counts.request("patch_attributes", 202, Duration::from_millis(20));
        counts.request("patch_attributes", 0, Duration::from_secs(30));
        counts.gave_up("too-old", 2);
        let overview = Overview {
            at: 2_000,
            accounts: vec![Account {
                client: "main".to_owned(),
                foreign: 12,
                ..Account::default()
            }],
            ..Overview::default()
        };
        Facts { overview: Arc::new(overview), counts: Arc::new(counts), journal_bytes: 4096 }
    }

    #[test]
    fn what_is_counted_is_told() {
        let text = render(facts(), Format::Text).unwrap();
        for line in [
            "# TYPE attributed_rule_matches_total counter",
            "attributed_rule_matches_total{rule=\"vip \\\"pop\\\"\"} 1.0",
            "attributed_rule_errors_total{rule=\"\"} 3.0",
            "attributed_requests_total{operation=\"patch_attributes\",code=\"202\"} 1.0",
            "attributed_requests_total{operation=\"patch_attributes\",code=\"none\"} 1.0",
            "attributed_request_duration_seconds_bucket{le=\"0.025\",operation=\"patch_attributes\"} 1",
            "attributed_updates_total{outcome=\"failed\",reason=\"too-old\"} 2.0",
            "attributed_budget_foreign_requests{client=\"main\"} 12.0",
            "attributed_journal_size_bytes 4096.0",
            "attributed_check_state{check=\"token\",state=\"failed\"} 1.0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
    }

    /// Names of series with their labels, without values.
    fn series(text: &str) -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
    }

    #[test]
    fn every_series_is_there_from_the_start() {
        let text = |overview: Overview| {
            let (overview, counts) = (Arc::new(overview), Arc::default());
            render(Facts { overview, counts, journal_bytes: 0 }, Format::OpenMetrics).unwrap()
        };
        let before = series(&text(Overview::default()));
        let mut working = Overview {
            accounts: vec![Account { client: "main".to_owned(), ..Account::default() }],
            ..Overview::default()
        };
        working.channels.each = vec![Channel::default()];
        working.rules.each = vec![Rule::default()];
        assert_eq!(before, series(&text(working)));
        for reason in crate::updates::dead_letters::Reason::ALL {
            let failed =
                format!("attributed_updates_total{{outcome=\"failed\",reason=\"{reason}\"}}");
            assert!(before.contains(&failed), "{failed}");
        }
    }

    #[test]
    fn no_series_is_there_twice() {
        let mut all = series(&render(facts(), Format::Text).unwrap());
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
