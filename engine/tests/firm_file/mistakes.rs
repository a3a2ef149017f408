//! How the file says what is wrong with it: place, key and the way out.

use super::SMALL;
use engine::firm::{Firm, Mistakes};

fn mistakes(text: &str) -> Mistakes {
    Firm::parse("firm.toml", text).unwrap_err()
}

/// The only mistake of `SMALL` with `from` replaced by `to`.
pub(crate) fn only(from: &str, to: &str) -> String {
    let text = SMALL.replacen(from, to, 1);
    assert_ne!(text, SMALL, "{from} is not there");
    let mistakes = mistakes(&text);
    assert_eq!(mistakes.list.len(), 1, "{mistakes}");
    mistakes.to_string()
}

/// The only mistake of `SMALL` with `more` after it.
fn appended(more: &str) -> String {
    let mistakes = mistakes(&format!("{SMALL}{more}"));
    assert_eq!(mistakes.list.len(), 1, "{mistakes}");
    mistakes.to_string()
}

#[test]
fn a_wrong_size_of_a_table_is_one_mistake() {
    let told = appended("\n[capacity]\norders = 0\n");
    assert!(
        told.contains("[capacity] orders: `0` is not an integer from 1 to"),
        "{told}"
    );
}

#[test]
fn a_table_too_small_for_what_the_file_defines_is_named() {
    let told = appended(
        "\n[capacity]\ninstruments = 1\n[[instruments]]\nid = 9\nsymbol = \"NINE\"\nvenue = 1\ngroup = 1\ncurrency = \"USD\"\ntick = 0.01\nlot = 1\n",
    );
    assert!(
        told.contains("[capacity] instruments: 1 is too few for the 2 that the file defines"),
        "{told}"
    );
}

#[test]
fn a_misspelt_key_is_named_with_line_column_and_the_right_one() {
    assert_eq!(
        only("desk = 1\n", "dsek = 1\ndesk = 1\n"),
        "firm.toml:12:1: [[accounts]] dsek: is not a key that Portcullis knows; did you mean `desk`?"
    );
    let section = only(
        "[[traders]]",
        "[[trader]]\nid = 7\nname = \"T\"\n[[traders]]",
    );
    assert!(
        section.starts_with("firm.toml:14:3: the file trader: is not a key"),
        "{section}"
    );
    assert!(section.contains("did you mean `traders`?"), "{section}");
}

#[test]
fn each_mistake_names_its_place_the_key_and_the_way_out() {
    for (from, to, says) in [
        (
            "tick = 0.01",
            "tick = 0.000000001",
            "20:8: [[instruments]] tick: `0.000000001` has more than 8 decimals, and nothing is rounded",
        ),
        (
            "tick = 0.01",
            "tick = 0",
            "20:8: [[instruments]] tick: must be above 0",
        ),
        (
            "tick = 0.01",
            "tick = true",
            "20:8: [[instruments]] tick: must be a number, and is of type boolean",
        ),
        (
            "lot = 1\n",
            "lot = 10\nqty_step = 3\n",
            "22:12: [[instruments]] qty_step: does not divide the lot",
        ),
        (
            "venue = 1",
            "venue = 1\ncurrency = \"EUR\"",
            "23:12: [[instruments]] currency: EUR is not defined; add [[currencies]] with code = \"EUR\"",
        ),
        (
            "venue = 1",
            "venue = 1\norder_types = [\"stop\"]",
            "is not supported; supported are market and limit",
        ),
        (
            "desk = 1\n",
            "desk = 4\n",
            "12:8: [[accounts]] desk: there is no desk 4; add [[desks]] with id = 4",
        ),
        ("suspense = true\n", "", "no account has `suspense = true`"),
        (
            "name = \"Small\"\n",
            "",
            "1:1: [firm]: `name` is missing; add `name = …` to [firm]",
        ),
        (
            "\"USD\"",
            "\"usd\"",
            "4:17: [firm] base_currency: `usd` is not a currency",
        ),
        (
            "\"small\"",
            "\"an instance with a long name\"",
            "3:12: [firm] instance: has 28 characters; at most 16 fit",
        ),
        ("\"small\"", "\"größer\"", "must be printable ASCII"),
        (
            "role = \"desk\"",
            "role = \"desck\"",
            "27:8: [[sessions]] role: `desck` is not a Role; did you mean `Desk`?",
        ),
        (
            "role = \"desk\"",
            "role = \"desk\"\nvenue = 1",
            "28:9: [[sessions]] venue: means nothing for the role Desk; it belongs to Venue",
        ),
        (
            "accounts = [1]",
            "accounts = [1, 2]",
            "28:16: [[sessions]] accounts: there is no account 2",
        ),
        (
            "traders = [7]\n",
            "",
            "`traders` is missing; name the traders",
        ),
        (
            "key_file = \"keys/desk.pub\"\n",
            "",
            "has no key; add `key_file` or `public_key`",
        ),
        (
            "key_file = \"keys/desk.pub\"",
            "public_key = \"abc\"",
            "30:14: [[sessions]] public_key: is not 64 hexadecimal digits",
        ),
        (
            "venue = 1",
            "venue = 70000",
            "`70000` is not an integer from 1 to 65534",
        ),
    ] {
        let mistake = only(from, to);
        assert!(mistake.contains(says), "{mistake}");
    }
}

#[test]
fn mistakes_of_limits_and_process_name_their_place_too() {
    for (more, says) in [
        (
            "[[limits]]\nscope = \"account:9\"\nkind = \"MaxLong\"\nvalue = \"1\"\n",
            "32:9: [[limits]] scope: there is no account `9`",
        ),
        (
            "[[limits]]\nscope = \"book:9\"\nkind = \"MaxLong\"\nvalue = \"1\"\n",
            "write firm, desk:ID, account:ID or trader:ID",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLng\"\nvalue = \"1\"\n",
            "33:8: [[limits]] kind: `MaxLng` is not a LimitKind; did you mean `MaxLong`?",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = \"1\"\nhalt = true\n",
            "35:8: [[limits]] halt: means nothing for MaxLong",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"BuyingPower\"\nvalue = \"1\"\n",
            "33:8: [[limits]] kind: BuyingPower is an account's credit in one currency",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nselector = \"currency:USD\"\nkind = \"MaxLong\"\nvalue = \"1\"\n",
            "MaxLong knows no currencies",
        ),
        (
            "[[limits]]\nscope = \"account:1\"\nselector = \"currency:EUR\"\nkind = \"BuyingPower\"\nvalue = \"1\"\n",
            "there is no currency `EUR`",
        ),
        (
            "[[limits]]\nscope = \"account:1\"\nkind = \"MarketMakerProtection\"\nvalue = \"1 fills\"\nper = \"1s\"\n",
            "MarketMakerProtection protects an account in one product group",
        ),
        (
            "[[cash]]\naccount = \"A\"\ncurrency = \"USD\"\namount = 1\n[[cash]]\naccount = 1\ncurrency = \"USD\"\namount = 2\n",
            "36:11: [[cash]] account: has a row for this already",
        ),
        (
            "[[locates]]\naccount = 1\ninstrument = \"AAPL\"\n",
            "[[locates]]: loads nothing; add `settled`",
        ),
        (
            "[[positions]]\naccount = 1\ninstrument = \"APPL\"\nqty = 1\n",
            "there is no instrument `APPL`; did you mean `AAPL`?",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"PriceCollar\"\nvalue = \"5\"\n",
            "34:9: [[limits]] value: `5` has no unit; write a distance as `5%`",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"OrderRate\"\nvalue = 5\n",
            "`per` is missing: OrderRate counts in a window",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\nper = \"1s\"\n",
            "35:7: [[limits]] per: means nothing for MaxLong",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\nselector = \"instrument:APPL\"\n",
            "there is no instrument `APPL`; did you mean `AAPL`?",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\nwarn = [90, 80, 70]\n",
            "must be three rising levels",
        ),
        (
            "[[permissions]]\nscope = \"firm\"\nallow = false\n",
            "permissions stand at accounts and desks",
        ),
        (
            "[[currencies]]\ncode = \"USD\"\nrate = 1\nmax_age = \"1d\"\n",
            "USD is the base currency",
        ),
        (
            "[journal]\nack = \"durabel\"\n",
            "32:7: [journal] ack: `durabel` is not a Ack; did you mean `durable`?",
        ),
        (
            "[journal]\nsegment_size = \"1KiB\"\n",
            "is outside 4MiB to 4GiB",
        ),
        (
            "[listen]\naddress = \"0.0.0.0:7201\"\n",
            "32:11: [listen] address: is not loopback, and traffic is not encrypted",
        ),
        (
            "[listen]\naddress = \"localhost\"\n",
            "`localhost` is not an address",
        ),
        ("[day]\nopen = \"atuo\"\n", "did you mean `auto`?"),
        (
            "[limits_per_session]\nlogon_timeout = \"2\"\n",
            "`2` is not a duration",
        ),
        (
            "limits = 3\n",
            "must be a list of tables; write `[[limits]]` above each",
        ),
    ] {
        let mistake = if more.starts_with('[') {
            appended(more)
        } else {
            let mistakes = mistakes(&format!("{more}{SMALL}"));
            mistakes.to_string()
        };
        assert!(mistake.contains(says), "{mistake}");
    }
    let twice = "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\n";
    assert!(appended(&format!("{twice}{twice}")).contains("MaxLong is set twice"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_places() {
    let text = SMALL
        .replace("tick = 0.01", "tick = -1")
        .replace("role = \"desk\"", "role = \"dsk\"")
        .replace("name = \"D\"", "nam = \"D\"");
    let mistakes = mistakes(&text);
    let lines: Vec<_> = mistakes.list.iter().map(|m| m.line).collect();
    assert!(lines.is_sorted() && lines.len() >= 4, "{mistakes}");
}

#[test]
fn what_is_no_toml_is_told_with_its_place_only() {
    let mistakes = mistakes("[firm]\nname = \"x\ninstance = 3 4\n");
    assert!(mistakes.list.iter().all(|m| m.key == "TOML"), "{mistakes}");
    assert_eq!(mistakes.list[0].line, 2, "{mistakes}");
}

#[test]
fn an_empty_file_is_told_what_a_firm_needs() {
    let mistakes = mistakes("");
    assert!(
        mistakes.to_string().contains("[firm]: is missing"),
        "{mistakes}"
    );
}
