//! JSON as somebody may write it: members in any order and more than once, with or without
//! whitespace and escapes. It knows no records.

use std::fmt::Write;

use serde_json::Value;

use crate::domain::dice::Dice;

/// A JSON value that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// As it is.
    Written(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members.into_iter().map(|(name, value)| (name, value.into())).collect(),
            ),
            other => Self::Written(other.to_string()),
        }
    }
}

/// An object with its members in this order.
pub(super) fn object<const COUNT: usize>(members: [(&str, Json); COUNT]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// How it is written. One character in so many is escaped for no reason, and one place in so many
/// has whitespace; 0 is never.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    characters_to_escape: usize,
    places_to_space: usize,
}

impl Style {
    /// Mostly as AWS writes it.
    pub(super) fn thrown(dice: &mut Dice) -> Self {
        let (characters_to_escape, places_to_space) =
            *dice.pick(&[(0, 0), (0, 0), (0, 0), (0, 0), (300, 0), (20, 0), (0, 40), (30, 3)]);
        Self { characters_to_escape, places_to_space }
    }
}

impl Json {
    /// Writes it in this style.
    pub(super) fn written(&self, style: Style, dice: &mut Dice) -> String {
        let mut pen = Pen { written: String::new(), style, dice };
        pen.write(self);
        pen.written
    }
}

struct Pen<'a> {
    written: String,
    style: Style,
    dice: &'a mut Dice,
}

impl Pen<'_> {
    fn write(&mut self, json: &Json) {
        match json {
            Json::Written(written) => self.written.push_str(written),
            Json::Text(text) => self.write_text(text),
            Json::List(elements) => self.write_all(['[', ']'], elements, Self::write),
            Json::Object(members) => self.write_all(['{', '}'], members, |pen, (name, value)| {
                pen.write_text(name);
                pen.write_between(':');
                pen.write(value);
            }),
        }
    }

    fn write_all<T>(&mut self, brackets: [char; 2], items: &[T], write: impl Fn(&mut Self, &T)) {
        let [open, close] = brackets;
        self.written.push(open);
        self.write_space();
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.write_between(',');
            }
            write(self, item);
        }
        self.write_space();
        self.written.push(close);
    }

    fn write_between(&mut self, mark: char) {
        self.write_space();
        self.written.push(mark);
        self.write_space();
    }

    fn write_space(&mut self) {
        if self.style.places_to_space > 0 && self.dice.one_in(self.style.places_to_space) {
            let space = *self.dice.pick(&[" ", "\n", "\t", "\r\n", "    ", "\n  \t \r "]);
            self.written.push_str(space);
        }
    }

    fn write_text(&mut self, text: &str) {
        self.written.push('"');
        for character in text.chars() {
            self.write_character(character);
        }
        self.written.push('"');
    }

    fn write_character(&mut self, character: char) {
        let chances = self.style.characters_to_escape;
        let is_escaped = chances > 0 && self.dice.one_in(chances);
        match character {
            '"' | '\\' => self.written.extend(['\\', character]),
            '\n' => self.written.push_str("\\n"),
            '/' if is_escaped => self.written.push_str("\\/"),
            character if is_escaped || character < ' ' => {
                let is_upper = self.dice.one_in(2);
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let written = if is_upper {
                        write!(self.written, "\\u{unit:04X}")
                    } else {
                        write!(self.written, "\\u{unit:04x}")
                    };
                    written.unwrap();
                }
            }
            character => self.written.push(character),
        }
    }
}
