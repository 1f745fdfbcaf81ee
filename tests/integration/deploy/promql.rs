//! What an expression of Prometheus speaks of: metrics, their labels, and how series of several
//! replicas are put together. It reads expressions that Prometheus has accepted, and evaluates
//! nothing.

/// A metric in an expression.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its name, with `_bucket` and the like.
    pub name: String,
    /// The labels that it is selected by.
    pub labels: Vec<String>,
    /// The innermost aggregation around it, such as `max`; none when there is none.
    pub aggregation: Option<String>,
}

/// An expression, as far as names go.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expression {
    /// Every metric of the program, and every recorded one.
    pub references: Vec<Reference>,
    /// The labels of `by`, `without`, `on` and the like.
    pub groupings: Vec<String>,
}

const AGGREGATIONS: [&str; 12] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
];
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Reads an expression.
pub fn read(text: &str) -> Expression {
    let tokens = tokens(text);
    let mut expression = Expression::default();
    // What stands before each parenthesis that is open.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut before = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let next = tokens.get(at).map(String::as_str);
        if token == "(" {
            open.push(before.take());
        } else if token == ")" {
            open.pop();
        } else if GROUPINGS.contains(&token.as_str()) && next == Some("(") {
            let end = at + tokens[at..].iter().position(|it| it == ")").unwrap();
            let labels = tokens[at + 1..end].iter().filter(|it| *it != ",");
            expression.groupings.extend(labels.cloned());
            // `max without (..) (`: what stood before still does.
            at = end + 1;
        } else if token.starts_with("deltrail_") || token.contains(':') && is_name(token) {
            let (labels, after) = matchers(&tokens, at);
            at = after;
            let aggregations = open.iter().rev().flatten();
            let aggregation =
                aggregations.clone().find(|it| AGGREGATIONS.contains(&it.as_str())).cloned();
            expression.references.push(Reference { name: token.clone(), labels, aggregation });
            before = None;
        } else {
            before = is_name(token).then(|| token.clone());
        }
    }
    expression
}

/// The labels of a selector that may begin at `at`, and where it ends.
fn matchers(tokens: &[String], at: usize) -> (Vec<String>, usize) {
    if tokens.get(at).map(String::as_str) != Some("{") {
        return (Vec::new(), at);
    }
    let end = at + tokens[at..].iter().position(|it| it == "}").unwrap();
    let labels = tokens[at + 1..end].iter().filter(|it| is_name(it)).cloned().collect();
    (labels, end + 1)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// Names, texts with their quotes, numbers with their units, and single other characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '$');
        let length = if first == '"' {
            rest[1..].find('"').unwrap() + 2
        } else if is_word(first) {
            rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        if !first.is_whitespace() {
            tokens.push(token.to_owned());
        }
        rest = after;
    }
    tokens
}

/// The same text with every time divided, so that a test need not wait: `15m` by 60 is `15000ms`.
/// Numbers that are a part of a name or a word stay.
pub fn hurried(text: &str, divisor: u64) -> String {
    let mut hurried = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_inside_word = false;
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let unit_millis = match rest[digits..].chars().next() {
            Some('s') => Some(1_000),
            Some('m') => Some(60_000),
            Some('h') => Some(3_600_000),
            Some('d') => Some(86_400_000),
            _ => None,
        };
        let ends = !rest[digits..].chars().nth(1).is_some_and(char::is_alphanumeric);
        if let Some(unit_millis) = unit_millis.filter(|_| digits > 0 && !is_inside_word && ends) {
            let number: u64 = rest[..digits].parse().unwrap();
            let millis = (number * unit_millis).div_ceil(divisor);
            hurried.extend([millis.to_string().as_str(), "ms"]);
            rest = &rest[digits + 1..];
            is_inside_word = true;
        } else {
            hurried.push(first);
            rest = &rest[first.len_utf8()..];
            is_inside_word = first.is_alphanumeric() || matches!(first, '_' | '.' | ':');
        }
    }
    hurried
}

#[test]
fn expressions_are_read_as_they_are_written() {
    let expression = read(
        "sum by (le, basis) (max without (instance) (rate(deltrail_a_bucket{b=~\"$x\", c!=\"d\"}\
         [$__rate_interval]))) > 2 * max_over_time(bucket:deltrail_b:increase15m[28d]) \
         unless on (bucket) time() - deltrail_c",
    );
    let reference = |name: &str, labels: &[&str], aggregation: Option<&str>| Reference {
        name: name.into(),
        labels: labels.iter().map(|&label| label.into()).collect(),
        aggregation: aggregation.map(str::to_owned),
    };
    let expected = [
        reference("deltrail_a_bucket", &["b", "c"], Some("max")),
        reference("bucket:deltrail_b:increase15m", &[], None),
        reference("deltrail_c", &[], None),
    ];
    assert_eq!(expression.references, expected);
    assert_eq!(expression.groupings, ["le", "basis", "instance", "bucket"]);
}

#[test]
fn a_minute_is_hurried_to_a_second() {
    let text = "for: 10m # 15 minutes, increase15m[28d] offset 30m, 14.4, 10s";
    let hurried = hurried(text, 60);
    let expected = "for: 10000ms # 15 minutes, increase15m[40320000ms] offset 30000ms, 14.4, 167ms";
    assert_eq!(hurried, expected);
}
