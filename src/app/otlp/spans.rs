//! From steps of updates to spans of traces.
//!
//! The ids come from which update it is and from the seed of the process, so that an attempt needs to
//! know nothing of those before it.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::updates::calendar::Calendar;
use crate::updates::traces::{Answer, Done, Step};

/// Makes spans of steps.
pub(super) struct Spans {
    pub(super) seed: u64,
    pub(super) calendar: Calendar,
}

impl Spans {
    /// What a step shows: the wait before a first push, the push, and the whole update once it is over.
    pub(super) fn of(&self, step: &Step) -> Vec<SpanData> {
        let mut spans = Vec::new();
        let mut is_over = true;
        if let Done::Pushed { sent, attempt, answer, is_accepted } = &step.done {
            is_over = *is_accepted;
            if *attempt == 1 {
                let wait = self.part(step, "wait", *attempt);
                spans.push(SpanData { end_time: self.at(*sent), ..wait });
            }
            spans.push(SpanData {
                start_time: self.at(*sent),
                span_kind: SpanKind::Client,
                attributes: attempted(*attempt, answer),
                status: judged(*is_accepted, "not accepted"),
                ..self.part(step, "push", *attempt)
            });
        }
        if is_over {
            spans.push(self.whole(step));
        }
        spans
    }

    /// The span that all others of the update are parts of.
    fn whole(&self, step: &Step) -> SpanData {
        let given_up = match &step.done {
            Done::GivenUp { reason } => Some(reason.as_str()),
            Done::Pushed { .. } | Done::Seen => None,
        };
        let mut attributes = vec![
            KeyValue::new("conversation_id", step.conversation.to_string()),
            KeyValue::new("participant_id", step.participant.to_string()),
            KeyValue::new("keys", step.keys.clone()),
            KeyValue::new("rules", step.rules.clone()),
        ];
        attributes.extend(given_up.map(|reason| KeyValue::new("reason", reason)));
        let (trace, update) = self.ids(step);
        SpanData {
            span_context: context(trace, update),
            parent_span_id: SpanId::INVALID,
            attributes,
            status: judged(given_up.is_none(), given_up.unwrap_or_default()),
            ..self.span(step, "update")
        }
    }

    /// A span that is part of the update, from its beginning to the end of the step.
    fn part(&self, step: &Step, name: &'static str, attempt: u32) -> SpanData {
        let (trace, update) = self.ids(step);
        let id = self.hash(step).chain_update(name).chain_update(attempt.to_le_bytes()).finalize();
        SpanData {
            span_context: context(trace, SpanId::from_bytes(first(&id))),
            parent_span_id: update,
            ..self.span(step, name)
        }
    }

    fn span(&self, step: &Step, name: &'static str) -> SpanData {
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: self.at(step.began),
            end_time: self.at(step.ended),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder(env!("CARGO_PKG_NAME")).build(),
        }
    }

    /// The ids of the trace, and of the whole update in it.
    fn ids(&self, step: &Step) -> (TraceId, SpanId) {
        let hash = self.hash(step).finalize();
        let (trace, update) = hash.split_at(16);
        (TraceId::from_bytes(first(trace)), SpanId::from_bytes(first(update)))
    }

    /// Of which update it is.
    fn hash(&self, step: &Step) -> Sha256 {
        Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(step.conversation.as_str())
            .chain_update([0])
            .chain_update(step.participant.as_str())
            .chain_update(self.calendar.millis(step.began).to_le_bytes())
    }

    fn at(&self, at: Instant) -> SystemTime {
        let millis = u64::try_from(self.calendar.millis(at)).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }
}

fn attempted(attempt: u32, answer: &Answer) -> Vec<KeyValue> {
    let mut attributes = vec![KeyValue::new("attempt", i64::from(attempt))];
    let status = answer.status.map(i64::from);
    attributes.extend(status.map(|status| KeyValue::new("http.response.status_code", status)));
    let id = answer.correlation_id.as_deref();
    attributes.extend(id.map(|id| KeyValue::new("correlation_id", id.to_owned())));
    attributes
}

fn judged(is_well: bool, reason: &'static str) -> Status {
    if is_well { Status::Ok } else { Status::error(reason) }
}

fn context(trace: TraceId, span: SpanId) -> SpanContext {
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}

/// So many bytes from the front.
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}
