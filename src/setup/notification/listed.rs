//! The entries of a notification configuration in one shape, whatever they lead to: compared,
//! shown, and asked which keys they are about.

use aws_sdk_s3::types::{
    Event, NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration,
    S3KeyFilter,
};

use super::Wish;
use super::overlap::covers;

/// What an entry leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A queue of SQS.
    Queue,
    /// A topic of SNS.
    Topic,
    /// A Lambda function.
    Function,
    /// `EventBridge`, which is told of everything.
    EventBridge,
}

/// One entry: which events of which keys are told to whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// What it leads to.
    pub target: Target,
    /// To which one; empty for `EventBridge`.
    pub arn: String,
    /// Its name (`Id`).
    pub name: Option<String>,
    /// Kinds of events, sorted.
    pub events: Vec<String>,
    /// The filters of its keys as name and value, names in small letters, sorted.
    pub filters: Vec<(String, String)>,
}

impl Listed {
    fn new(
        (target, arn): (Target, &str),
        name: Option<&str>,
        events: &[Event],
        filter: Option<&NotificationConfigurationFilter>,
    ) -> Self {
        let mut events: Vec<String> =
            events.iter().map(|event| event.as_str().to_owned()).collect();
        events.sort_unstable();
        events.dedup();
        let rules = filter.and_then(|filter| filter.key()).map(S3KeyFilter::filter_rules);
        let mut filters: Vec<(String, String)> = rules
            .unwrap_or_default()
            .iter()
            .map(|rule| {
                // S3 shows the names as `Prefix` and `Suffix`, and takes them in small letters.
                let name = rule.name().map(|name| name.as_str().to_ascii_lowercase());
                (name.unwrap_or_default(), rule.value().unwrap_or_default().to_owned())
            })
            .collect();
        filters.sort_unstable();
        Self { target, arn: arn.to_owned(), name: name.map(str::to_owned), events, filters }
    }

    pub(super) fn of_queue(entry: &QueueConfiguration) -> Self {
        let target = (Target::Queue, entry.queue_arn());
        Self::new(target, entry.id(), entry.events(), entry.filter())
    }

    /// What keys have to begin with; empty for all.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.filter("prefix")
    }

    /// What keys have to end with; empty for all.
    #[must_use]
    pub fn suffix(&self) -> &str {
        self.filter("suffix")
    }

    fn filter(&self, name: &str) -> &str {
        let found = self.filters.iter().find(|(of, _)| of == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Whether it tells of such an event.
    #[must_use]
    pub fn tells_of(&self, event: &str) -> bool {
        self.target == Target::EventBridge || self.events.iter().any(|kind| covers(kind, event))
    }

    /// Whether it tells the queue all that is wished for.
    pub(super) fn fulfils(&self, wish: &Wish) -> bool {
        self.target == Target::Queue
            && self.arn == wish.queue_arn
            && wish.prefix.starts_with(self.prefix())
            && wish.suffix.ends_with(self.suffix())
            && wish.events.iter().all(|event| self.tells_of(event))
    }

    /// In words: to whom it leads.
    #[must_use]
    pub fn told_target(&self) -> String {
        match self.target {
            Target::Queue => format!("queue {}", self.arn),
            Target::Topic => format!("topic {}", self.arn),
            Target::Function => format!("function {}", self.arn),
            Target::EventBridge => "EventBridge, every event".to_owned(),
        }
    }

    /// Its lines for people, the first one naming the target.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.told_target()];
        if self.target == Target::EventBridge {
            return lines;
        }
        lines.extend(self.name.iter().map(|name| format!("  id      {name}")));
        lines.extend(self.events.iter().map(|event| format!("  event   {event}")));
        let filters = self.filters.iter().map(|(name, value)| format!("  {name:7} {value}"));
        lines.extend(filters);
        lines
    }
}

/// Every entry.
#[must_use]
pub fn listed(configuration: &NotificationConfiguration) -> Vec<Listed> {
    let queues = configuration.queue_configurations().iter().map(Listed::of_queue);
    let topics = configuration.topic_configurations().iter().map(|entry| {
        let target = (Target::Topic, entry.topic_arn());
        Listed::new(target, entry.id(), entry.events(), entry.filter())
    });
    let functions = configuration.lambda_function_configurations().iter().map(|entry| {
        let target = (Target::Function, entry.lambda_function_arn());
        Listed::new(target, entry.id(), entry.events(), entry.filter())
    });
    let bridge = configuration.event_bridge_configuration();
    let bridge = bridge.map(|_| Listed::new((Target::EventBridge, ""), None, &[], None));
    queues.chain(topics).chain(functions).chain(bridge).collect()
}

/// Whether two configurations tell the same of the same to the same.
#[must_use]
pub fn is_same(one: &NotificationConfiguration, other: &NotificationConfiguration) -> bool {
    let sorted = |configuration| {
        let mut entries = listed(configuration);
        entries.sort_unstable();
        entries
    };
    sorted(one) == sorted(other)
}

/// What differs between two configurations, for people, as a unified diff of their entries.
#[must_use]
pub fn difference(before: &NotificationConfiguration, after: &NotificationConfiguration) -> String {
    let (before, mut added) = (listed(before), listed(after));
    let mut text = "--- as it is\n+++ as it would be\n".to_owned();
    let mut write = |mark: char, entry: &Listed| {
        for line in entry.lines() {
            text.extend([mark, ' ']);
            text.push_str(&line);
            text.push('\n');
        }
    };
    for entry in &before {
        match added.iter().position(|other| other == entry) {
            Some(at) => {
                write(' ', &added.remove(at));
            }
            None => write('-', entry),
        }
    }
    for entry in &added {
        write('+', entry);
    }
    text
}
