//! Families of metrics, one call each. Nothing but the shapes of the outside crate is known here.
//!
//! Names are given without the prefix `attributed_`, and those of counters without their `_total`.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::status::histogram::Noted;

const PREFIX: &str = "attributed_";

pub(super) struct Sheet<'e>(pub(super) DescriptorEncoder<'e>);

impl Sheet<'_> {
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Value) -> fmt::Result {
        self.plain_gauge(&format!("{PREFIX}{name}"), help, value)
    }

    /// By its whole name.
    pub(super) fn plain_gauge(&mut self, name: &str, help: &str, value: impl Value) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        family.encode_gauge(&value.float())
    }

    pub(super) fn gauges<L: EncodeLabelSet, V: Value>(
        &mut self,
        name: &str,
        help: &str,
        each: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let name = format!("{PREFIX}{name}");
        let mut family = self.0.encode_descriptor(&name, help, None, MetricType::Gauge)?;
        each.into_iter().try_for_each(|(labels, value)| {
            family.encode_family(&labels)?.encode_gauge(&value.float())
        })
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: impl Value) -> fmt::Result {
        self.plain_counter(&format!("{PREFIX}{name}"), help, value)
    }

    /// By its whole name, but for `_total`.
    pub(super) fn plain_counter(
        &mut self,
        name: &str,
        help: &str,
        value: impl Value,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, f64, f64>(&value.float(), None)
    }

    pub(super) fn counters<L: EncodeLabelSet, V: Value>(
        &mut self,
        name: &str,
        help: &str,
        each: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let name = format!("{PREFIX}{name}");
        let mut family = self.0.encode_descriptor(&name, help, None, MetricType::Counter)?;
        each.into_iter().try_for_each(|(labels, value)| {
            let mut one = family.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, f64, f64>(&value.float(), None)
        })
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, noted: &Noted) -> fmt::Result {
        let name = format!("{PREFIX}{name}");
        let mut family = self.0.encode_descriptor(&name, help, None, MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(noted.sum, noted.count, &noted.bounded(), None)
    }

    pub(super) fn histograms<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        each: impl IntoIterator<Item = (L, Noted)>,
    ) -> fmt::Result {
        let name = format!("{PREFIX}{name}");
        let mut family = self.0.encode_descriptor(&name, help, None, MetricType::Histogram)?;
        each.into_iter().try_for_each(|(labels, noted)| {
            let mut one = family.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(noted.sum, noted.count, &noted.bounded(), None)
        })
    }
}

/// What a metric's value may be made of.
pub(super) trait Value {
    fn float(self) -> f64;
}

impl Value for f64 {
    fn float(self) -> f64 {
        self
    }
}

impl Value for u64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of a process stay below 2^52")]
    fn float(self) -> f64 {
        self as f64
    }
}

impl Value for u32 {
    fn float(self) -> f64 {
        f64::from(self)
    }
}

impl Value for bool {
    fn float(self) -> f64 {
        f64::from(u8::from(self))
    }
}
