//! Pieces as they are written.

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn a_time_is_shown_as_finely_as_its_clock() {
    let shown = |markup: Markup| markup.into_string();
    assert_eq!(
        shown(time(at("2026-11-23T10:00:05.12Z"))),
        "<time class=\"nowrap\" datetime=\"2026-11-23T10:00:05.120Z\">2026-11-23 10:00:05\
         <span class=\"fraction\">.120</span> UTC</time>"
    );
    let minute = shown(minute(at("2026-11-23T10:00:59.999Z")));
    assert!(minute.ends_with(">2026-11-23 10:00 UTC</time>"), "{minute}");
}

#[test]
fn numbers_and_spans_are_read_at_a_glance() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!(counted(1, "removal", "removals"), "1 removal");
    assert_eq!(counted(1_000, "removal", "removals"), "1,000 removals");
    let spans = [-42, 1_049, 61_000, 300_000, 7_260_000, 1_209_600_000].map(spoken);
    let expected = ["\u{2212}42 ms", "1.0 s", "1 min 1 s", "5 min", "2 h 1 min", "14 days"];
    assert_eq!(spans, expected);
}

#[test]
fn every_cell_knows_its_column_for_those_who_see_one_at_a_time() {
    let columns = [Column::wide("Key"), Column::number("Objects")];
    let rows = [vec![html! { "a" }, html! { (count(1_200)) }]];
    let shown = table("All \"keys\"", &columns, rows).into_string().replace("><", ">\n<");
    insta::assert_snapshot!(shown, @r#"
    <div class="scroll" role="region" aria-label="All &quot;keys&quot;" tabindex="0">
    <table>
    <caption>All &quot;keys&quot;</caption>
    <thead>
    <tr>
    <th scope="col" class="wide">Key</th>
    <th scope="col" class="number">Objects</th>
    </tr>
    </thead>
    <tbody>
    <tr>
    <th scope="row" class="wide" data-column="Key">a</th>
    <td class="number" data-column="Objects">
    <span class="nowrap">1,200</span>
    </td>
    </tr>
    </tbody>
    </table>
    </div>
    "#);
}

#[test]
fn a_choice_that_was_made_stays_made() {
    let field =
        Field::choice("state", "State", Some("open"), vec![("open", "open"), ("all", "all")]);
    let shown = filters("/findings", &[field], &html! {}).into_string();
    assert!(shown.contains("<option value=\"open\" selected>"), "{shown}");
    assert_eq!(shown.matches("selected").count(), 1);
}
