//! Owns the firm of the golden journal: the file beside this one, an account and its tight limit for
//! each control.

use engine::firm::Firm;

/// `(account, limitKind, value, further lines)`; everything that must be set is otherwise unlimited.
const TIGHT: [(u32, &str, &str, &str); 20] = [
    (1, "MaxOrderQty", "100", ""),
    (2, "MaxOrderNotional", "10000", ""),
    (3, "PriceCollar", "10%", ""),
    (4, "OrderRate", "3", "per = \"1h\""),
    (5, "DuplicateOrder", "2", "per = \"1h\""),
    (6, "MaxOpenOrders", "2", ""),
    (7, "MaxLong", "10", ""),
    (7, "MaxShort", "10", ""),
    (8, "GrossNotional", "1000", ""),
    (9, "NetLong", "1000", ""),
    (9, "NetShort", "1000", ""),
    (10, "DailyTurnover", "1000", ""),
    (11, "MaxOrderVsAdv", "1%", ""),
    (13, "DailyBuyTurnover", "1000", ""),
    (13, "DailySellTurnover", "1000", ""),
    (14, "ReferenceMaxAge", "10s", ""),
    (15, "DailyLoss", "100", ""),
    (17, "BuyingPower", "0", "selector = \"currency:USD\""),
    (
        18,
        "MarketMakerProtection",
        "2 fills",
        "selector = \"group:1\"\nper = \"1s\"",
    ),
    (19, "PriceCollar", "500ticks", ""),
];

const UNLIMITED: [&str; 8] = [
    "MaxOrderQty",
    "MaxOrderNotional",
    "PriceCollar",
    "OrderRate",
    "MaxOpenOrders",
    "MaxLong",
    "MaxShort",
    "GrossNotional",
];

/// Account whose live orders must not cross.
pub(crate) const SELF_MATCH: u32 = 12;

pub(crate) fn firm() -> Firm {
    let mut text = include_str!("firm.toml").to_owned();
    for id in 1..=20 {
        let self_match = if id == SELF_MATCH {
            ""
        } else {
            "self_match = \"off\"\n"
        };
        text +=
            &format!("[[accounts]]\nid = {id}\nname = \"ACCOUNT-{id}\"\ndesk = 1\n{self_match}");
    }
    for kind in UNLIMITED {
        let per = if kind == "OrderRate" {
            "per = \"1s\"\n"
        } else {
            ""
        };
        text += &format!(
            "[[limits]]\nscope = \"firm\"\nkind = \"{kind}\"\nvalue = \"unlimited\"\n{per}"
        );
    }
    for (account, kind, value, more) in TIGHT {
        text += &format!(
            "[[limits]]\nscope = \"account:{account}\"\nkind = \"{kind}\"\nvalue = \"{value}\"\n{more}\n"
        );
    }
    text += "[[limits]]\nscope = \"trader:2\"\nkind = \"RepeatedExecution\"\nvalue = \"2\"\nper = \"1s\"\n";
    match Firm::parse("golden_journal/firm.toml", &text) {
        Ok(firm) => firm,
        Err(mistakes) => panic!("{mistakes}"),
    }
}
