//! JSON with line breaks and indentation, and otherwise as it stands: members keep their order,
//! numbers their digits, texts their escapes. What is no JSON stays as it is.

/// Deeper levels are no further to the right, so that nothing grows out of proportion.
const LEVELS_MAX: usize = 16;

/// The text, indented if it is JSON.
pub(super) fn indented(text: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let mut lines = String::with_capacity(text.len() * 2);
    let mut level = 0_usize;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                lines.push('"');
                let mut is_escaped = false;
                for c in rest.by_ref() {
                    lines.push(c);
                    if c == '"' && !is_escaped {
                        break;
                    }
                    is_escaped = c == '\\' && !is_escaped;
                }
            }
            '{' | '[' => {
                lines.push(c);
                let close = if c == '{' { '}' } else { ']' };
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = rest.next_if_eq(&close) {
                    lines.push(close);
                } else {
                    level += 1;
                    begin_line(&mut lines, level);
                }
            }
            '}' | ']' => {
                level = level.saturating_sub(1);
                begin_line(&mut lines, level);
                lines.push(c);
            }
            ',' => {
                lines.push(',');
                begin_line(&mut lines, level);
            }
            ':' => lines.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => lines.push(c),
        }
    }
    lines
}

fn begin_line(lines: &mut String, level: usize) {
    lines.push('\n');
    lines.extend(std::iter::repeat_n("  ", level.min(LEVELS_MAX)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::indented;

    /// JSON of which no character is whitespace.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<i32>().prop_map(|number| format!("{number}.50")),
            any::<String>().prop_map(|text| {
                let text: String = text.split_whitespace().collect();
                serde_json::to_string(&text).unwrap()
            }),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(inner, 0..4).prop_map(|items| {
                    let member = |(nth, item)| format!("\"k{nth}\":{item}");
                    let members: Vec<String> = items.into_iter().enumerate().map(member).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    #[test]
    fn a_record_is_read_line_by_line_as_it_stands() {
        let record = r#"{"z":1.0,"a":{"k":"a\"b, {c}"},"n":[ ],"l":[1,2]}"#;
        insta::assert_snapshot!(indented(record), @r#"
        {
          "z": 1.0,
          "a": {
            "k": "a\"b, {c}"
          },
          "n": [],
          "l": [
            1,
            2
          ]
        }
        "#);
        let line = "owner b [23/Nov/2026:10:00:00 +0000] 1.2.3.4 - R REST.DELETE.OBJECT k";
        assert_eq!(indented(line), line);
    }

    proptest! {
        #[test]
        fn nothing_but_whitespace_is_added(json in json()) {
            let without: String =
                indented(&json).chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(without, json);
        }

        #[test]
        fn depth_does_not_make_it_grow_out_of_proportion(depth in 1_usize..120) {
            let json = "[".repeat(depth) + "0" + &"]".repeat(depth);
            prop_assert!(indented(&json).len() < json.len() * 40);
        }
    }
}
