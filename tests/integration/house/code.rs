//! The code of a Rust file without its comments and the text of its strings. It knows just enough
//! of the language to tell those apart, and keeps every line where it was.

/// The text with comments and what stands in strings blanked out; lines keep their numbers.
pub fn code_of(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => end_of_line(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => end_of_block_comment(&chars, at),
            '"' => end_of_string(&chars, at),
            'r' if !is_word(chars.get(at.wrapping_sub(1))) => end_of_raw_string(&chars, at),
            '\'' => end_of_char(&chars, at),
            _ => at,
        };
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

fn is_word(c: Option<&char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || *c == '_')
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|&i| chars[i] == '\n').unwrap_or(chars.len())
}

fn end_of_block_comment(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = at;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// After `r"..."` or `r#"..."#`; `at` itself when it is a word that begins with r.
fn end_of_raw_string(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return at;
    }
    let closes = |i: usize| chars[i] == '"' && (1..=hashes).all(|n| chars.get(i + n) == Some(&'#'));
    (open + 1..chars.len()).find(|&i| closes(i)).map_or(chars.len(), |i| i + 1 + hashes)
}

/// After a character literal; `at` itself when the quote begins a lifetime.
fn end_of_char(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'\\') {
        return (at + 3..chars.len()).find(|&i| chars[i] == '\'').map_or(chars.len(), |i| i + 1);
    }
    if chars.get(at + 2) == Some(&'\'') { at + 3 } else { at }
}

#[test]
fn only_code_is_left() {
    let source = concat!(
        "use a; // crate::b\n",
        "/* crate::c /* nested */ crate::d */ let x = \"crate::e \\\" crate::f\";\n",
        "let y = r#\"crate::\"g\"#; let q = '\"'; let l: &'static str = z; // \"\n",
        "crate::h(\"sqlite://\");",
    );
    let code = code_of(source);
    assert_eq!(code.lines().count(), source.lines().count());
    let squeezed: Vec<&str> = code.split_whitespace().collect();
    let expected = "use a; let x = ; let y = ; let q = ; let l: &'static str = z; crate::h( );";
    assert_eq!(squeezed.join(" "), expected);
}
