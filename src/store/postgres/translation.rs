//! The store's SQL as PostgreSQL says it. It knows no statement: what differs is spelling, and the
//! hints that only SQLite needs.

use std::iter::Peekable;
use std::str::CharIndices;

/// What is before the name of an index that SQLite is to take.
const INDEX_HINT: &str = "INDEXED BY ";
/// What keeps the order of tables for SQLite: ours always have a condition.
const ORDER_HINT: &str = "CROSS JOIN ";
/// What a statement may name a row by for as long as it takes, and how that is called here.
const ROW: (&str, &str) = ("rowid", "ctid");
/// A comment to SQLite, which locks the database as a whole, is a part of the statement here.
const SAID_HERE: (&str, &str) = ("/*pg ", "*/");

/// A statement as it is said here: values are `$1` instead of `?1` or `?`, and hints are left out.
pub(super) fn translated(sql: &str) -> String {
    let mut said = String::with_capacity(sql.len() + 16);
    let mut values = 0;
    let mut characters = sql.char_indices().peekable();
    let mut is_quoted = false;
    while let Some((place, character)) = characters.next() {
        let rest = &sql[place..];
        match character {
            '\'' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '?' => {
                values += 1;
                said.push('$');
                if !characters.peek().is_some_and(|(_, next)| next.is_ascii_digit()) {
                    said.push_str(&values.to_string());
                }
                continue;
            }
            'I' if rest.starts_with(INDEX_HINT) => {
                let name = &rest[INDEX_HINT.len()..];
                let name = name.split(|it: char| !it.is_alphanumeric() && it != '_').next();
                skip(&mut characters, INDEX_HINT.len() + name.map_or(0, str::len) - 1);
                continue;
            }
            'C' if rest.starts_with(ORDER_HINT) => {
                skip(&mut characters, "CROSS ".len() - 1);
                continue;
            }
            'r' if rest.starts_with(ROW.0) => {
                said.push_str(ROW.1);
                skip(&mut characters, ROW.0.len() - 1);
                continue;
            }
            '/' if rest.starts_with(SAID_HERE.0) => {
                skip(&mut characters, SAID_HERE.0.len() - 1);
                continue;
            }
            '*' if rest.starts_with(SAID_HERE.1) => {
                skip(&mut characters, SAID_HERE.1.len() - 1);
                continue;
            }
            _ => {}
        }
        said.push(character);
    }
    said
}

/// Skips so many characters, which are ASCII.
fn skip(characters: &mut Peekable<CharIndices<'_>>, count: usize) {
    for _ in 0..count {
        characters.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_as_they_are_or_as_they_come() {
        assert_eq!(translated("a = ?1 AND b = ?12 OR c = ?1"), "a = $1 AND b = $12 OR c = $1");
        assert_eq!(translated("VALUES (?, ?, ?)"), "VALUES ($1, $2, $3)");
    }

    #[test]
    fn hints_are_left_out() {
        let hinted = "FROM evidence AS e INDEXED BY evidence_by_request\n WHERE a = ?1";
        assert_eq!(translated(hinted), "FROM evidence AS e \n WHERE a = $1");
        assert_eq!(translated("a CROSS JOIN b ON c"), "a JOIN b ON c");
        assert_eq!(translated("UPDATE t INDEXED BY i SET a = 1"), "UPDATE t  SET a = 1");
    }

    #[test]
    fn a_row_has_another_name_within_a_statement() {
        let named = "WHERE r.rowid IN (SELECT rowid FROM removals LIMIT ?1)";
        assert_eq!(translated(named), "WHERE r.ctid IN (SELECT ctid FROM removals LIMIT $1)");
    }

    #[test]
    fn what_is_said_here_only_is_a_comment_to_others() {
        let locked = "SELECT a FROM t LIMIT ?1 /*pg FOR UPDATE SKIP LOCKED */)";
        assert_eq!(translated(locked), "SELECT a FROM t LIMIT $1 FOR UPDATE SKIP LOCKED )");
    }

    #[test]
    fn what_is_quoted_stays() {
        let quoted = "a = 'why?' AND b = 'it''s CROSS JOIN ?' AND c = ?";
        assert_eq!(translated(quoted), "a = 'why?' AND b = 'it''s CROSS JOIN ?' AND c = $1");
    }
}
