//! One test for each scenario file of `tests/scenarios/`, under the same name; and that none is missing.

mod scenario;

use wire::RejectCode;

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                scenario::run(stringify!($name));
            }
        )*

        const NAMES: &[&str] = &[$( stringify!($name), )*];
    };
}

scenarios! {
    c01_max_order_qty
    c02_max_order_notional
    c03_price_collar
    c04_reference_max_age
    c05_order_rate
    c08_max_open_orders
    c09_max_long_and_max_short
    c10_gross_notional
    c10_reducing_is_judged_at_the_level_of_the_limit
    c11_net_long_and_net_short
    c19_permissions
    capacity
    entry_checks
    limit_versions_and_compare_and_set
    order_of_checks
    order_of_checks_limit_not_set
    r01_reserve_at_accept_and_a_refused_order_changes_nothing
    r02_buys_and_sells_never_net
    r03_reducing_passes_while_breached
    r04_reduce_only_looks_at_the_accounts_row
    r05_venue_acknowledgement_and_reject
    r06_partial_fill_moves_position_and_reserve_in_one_event
    r07_reserved_value_after_fills_is_path_independent
    r08_cancel_releases_leaves_and_keeps_what_the_venue_filled
    r09_cancel_reject_and_unknown_at_the_venue
    r10_nine_replaces_under_way_are_too_many
    r10_replace_with_versions_in_flight
    r11_a_fill_after_the_end_always_books
    r12_overfill
    r13_the_same_execution_is_booked_once
    r14_a_fill_implies_the_acknowledgement
    r15_a_fill_for_an_unknown_order
    r17_purely_reducing_without_a_reference
    r18_a_passive_breach_cancels_nothing
    r20_the_base_currency_and_rates
    r22_not_ready_until_the_day_is_open
    r23_end_of_day_is_a_command
    r25_a_limit_below_usage_is_accepted
    r28_all_levels_or_none
    r30_kill_switch
    r31_cancels_are_hardly_ever_refused
    r32_sequence_numbers
    r33_everything_that_decides_is_in_the_journal
    r34_time_comes_with_the_commands
    s06_inline_and_sidecar
    s07_mass_cancel
    trading_states
}

#[test]
fn every_scenario_file_has_its_test() {
    let mut files: Vec<String> = std::fs::read_dir(scenario::directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    files.sort();
    let mut names: Vec<&str> = NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(files, names, "files against tests, in alphabetical order");
}

/// Controls and rules that this release does not have; `docs/controls.md` says so.
const ABSENT: &[&str] = &[
    "c06", "c07", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "r16", "r19", "r21", "r24",
    "r26", "r27", "r29", "r35",
];

#[test]
fn every_control_and_every_rule_has_a_scenario_or_is_named_as_absent() {
    let numbers = (1..=19)
        .map(|n| format!("c{n:02}"))
        .chain((1..=35).map(|n| format!("r{n:02}")));
    for number in numbers {
        let shown = NAMES
            .iter()
            .any(|name| name.starts_with(&format!("{number}_")));
        let absent = ABSENT.contains(&number.as_str());
        assert!(shown != absent, "{number}: shown {shown}, absent {absent}");
    }
}

/// Refusals of the controls that are absent, of approval by two people, and of the gateway's own.
const CODES_ABSENT: &[RejectCode] = &[
    RejectCode::DuplicateOrder,
    RejectCode::MaxOrderVsAdv,
    RejectCode::ShortSale,
    RejectCode::Turnover,
    RejectCode::BuyingPower,
    RejectCode::SelfMatch,
    RejectCode::MarketMakerProtection,
    RejectCode::NotAuthorised,
    RejectCode::NeedsApproval,
];

#[test]
fn every_refusal_of_the_engine_appears_in_a_scenario() {
    let mut all = String::new();
    for name in NAMES {
        let path = scenario::directory().join(format!("{name}.txt"));
        all += &std::fs::read_to_string(path).unwrap();
    }
    for code in RejectCode::ALL.iter().filter(|code| code.number() >= 100) {
        let shown = all.contains(&format!("ed {} {code}", code.number()));
        let absent = CODES_ABSENT.contains(code);
        assert!(shown != absent, "{code}: shown {shown}, absent {absent}");
    }
}
