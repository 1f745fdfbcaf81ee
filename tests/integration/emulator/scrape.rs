//! What `/metrics` says, in Prometheus' text format. It knows the format and no family.

use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

/// One scrape: the samples by series name, each with its labels.
#[derive(Debug, Default)]
pub struct Scrape(BTreeMap<String, Vec<(Labels, f64)>>);

impl Scrape {
    pub fn parse(text: &str) -> Self {
        let mut samples: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (series, value) = line.rsplit_once(' ').expect(line);
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, parse_labels(labels)),
                None => (series, Labels::new()),
            };
            samples.entry(name.to_owned()).or_default().push((labels, value.parse().expect(line)));
        }
        Self(samples)
    }

    /// The values of a counter by the values of `labels`, in that order, summed over all others.
    /// Series at zero are left out: a series that is not there says the same.
    pub fn counts(&self, name: &str, labels: &[&str]) -> BTreeMap<Vec<String>, u64> {
        let mut counts = BTreeMap::new();
        for (of, value) in self.0.get(name).into_iter().flatten() {
            let labels = labels.iter().map(|&label| of.get(label).cloned().unwrap_or_default());
            *counts.entry(labels.collect::<Vec<_>>()).or_insert(0.0) += value;
        }
        counts
            .into_iter()
            .filter(|(_, value)| *value != 0.0)
            .map(|(labels, value)| (labels, whole(name, value)))
            .collect()
    }

    /// The sum of a family over the series whose labels hold all of `pairs`.
    pub fn sum(&self, name: &str, pairs: &[(&str, &str)]) -> f64 {
        let holds = |labels: &Labels| {
            pairs.iter().all(|(label, value)| labels.get(*label).is_some_and(|v| v == value))
        };
        let series = self.0.get(name).into_iter().flatten();
        series.filter(|(labels, _)| holds(labels)).map(|(_, value)| value).sum()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole")]
fn whole(name: &str, value: f64) -> u64 {
    assert!(value.fract() == 0.0 && value > 0.0, "{name} counts, and says {value}");
    value as u64
}

/// `a="x",b="y"}` with `\\`, `\"` and `\n` in the values.
fn parse_labels(text: &str) -> Labels {
    let mut labels = Labels::new();
    let mut chars = text.chars();
    loop {
        let name: String = chars.by_ref().take_while(|c| *c != '=').collect();
        if chars.next() != Some('"') {
            return labels;
        }
        let mut value = String::new();
        while let Some(c) = chars.next().filter(|c| *c != '"') {
            match (c, c == '\\') {
                (_, true) => match chars.next() {
                    Some('n') => value.push('\n'),
                    escaped => value.extend(escaped),
                },
                _ => value.push(c),
            }
        }
        labels.insert(name.trim_start_matches(',').to_owned(), value);
    }
}

#[test]
fn samples_are_read_with_their_labels() {
    let text = "# HELP x_total X.\n# TYPE x_total counter\n\
        x_total{api=\"a\",bucket=\"q\\\"\\\\\\n,}\"} 3\nx_total{api=\"b\",bucket=\"r\"} 0\n\
        x_total{api=\"c\",bucket=\"s\"} 4\nup 1\n";
    let scrape = Scrape::parse(text);
    let expected = BTreeMap::from([(vec!["q\"\\\n,}".to_owned()], 3), (vec!["s".to_owned()], 4)]);
    assert_eq!(scrape.counts("x_total", &["bucket"]), expected);
    assert!((scrape.sum("x_total", &[("api", "c")]) - 4.0).abs() < f64::EPSILON);
    assert!((scrape.sum("up", &[]) - 1.0).abs() < f64::EPSILON);
}
