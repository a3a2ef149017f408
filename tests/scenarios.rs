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
    c06_duplicate_order
    c07_repeated_execution
    c08_max_open_orders
    c09_max_long_and_max_short
    c10_gross_notional
    c10_reducing_is_judged_at_the_level_of_the_limit
    c11_net_long_and_net_short
    c12_a_fill_without_a_rate_still_counts
    c12_daily_turnover
    c13_a_limit_set_anew_is_armed_again
    c13_a_rate_moves_all_its_instruments_in_one_event
    c13_daily_loss
    c13_daily_loss_by_fills_up_the_tree_and_halting
    c13_limits_that_trip_together
    c13_losses_that_the_roll_brings
    c13_rates_and_lowered_limits_trip
    c13_warns_before_it_trips
    c14_max_order_vs_adv
    c15_market_maker_protection
    c15_market_maker_protection_by_quantity
    c16_buying_power
    c16_buying_power_in_the_currency_of_the_instrument
    c16_market_orders_and_multipliers
    c16_unlimited_credit_needs_a_balance
    c17_an_account_without_a_group
    c17_self_match
    c17_a_bust_brings_back_what_can_be_crossed
    c18_locates
    c18_short_sale
    c18_live_sells_never_saturate
    c19_account_or_desk_only
    c19_permissions
    capacity
    capacity_ended_orders_are_forgotten
    capacity_full_halts_the_firm
    capacity_notices_come_before_forgetting
    capacity_of_equal_orders
    capacity_of_limits
    capacity_of_marks
    capacity_of_orders
    capacity_of_replaces
    capacity_of_rows
    capacity_of_windows
    day_profit_and_loss
    entry_checks
    every_order_looks_at_every_place
    headroom_beyond_64_bits
    headroom_is_the_tightest_use
    limit_versions_and_compare_and_set
    order_of_checks
    order_of_checks_limit_not_set
    order_of_checks_of_the_later_controls
    r01_reserve_at_accept_and_a_refused_order_changes_nothing
    r02_buys_and_sells_never_net
    r03_reducing_passes_while_breached
    r04_reduce_only_looks_at_the_accounts_row
    r05_venue_acknowledgement_and_reject
    r06_partial_fill_moves_position_and_reserve_in_one_event
    r07_reserved_value_after_fills_is_path_independent
    r08_a_second_cancelled_with_a_lower_cum_is_ignored
    r08_cancel_releases_leaves_and_keeps_what_the_venue_filled
    r09_cancel_reject_and_unknown_at_the_venue
    r09_unresolved_ends_only_by_fills_or_reconcile
    r09_what_is_told_of_an_order_with_nothing_left
    r10_nine_replaces_under_way_are_too_many
    r10_replace_with_versions_in_flight
    r10_a_cancel_under_way_is_pending_at_once
    r10_an_order_replaced_all_day
    r11_a_fill_after_the_end_always_books
    r12_overfill
    r13_the_same_execution_is_booked_once
    r13_the_venue_is_the_reporters
    r14_a_fill_implies_the_acknowledgement
    r15_a_fill_for_an_unknown_order
    r16_bust
    r16_bust_before_its_fill
    r16_bust_of_other_fills
    r16_bust_that_reopens_an_ended_order
    r16_a_bust_revives_the_version_in_force_alone
    r16_a_correction_that_is_taken_back_at_once
    r16_correct
    r16_a_desk_takes_back_only_its_own
    r16_reports_that_overtake_a_correction
    r16_what_corrects_a_fill_books_after_the_entitlement_is_withdrawn
    r16_what_the_desk_is_told_of_a_correction
    r17_a_fill_while_marks_go_and_come
    r17_purely_reducing_without_a_reference
    r17_without_mark_and_rate_at_once
    r18_a_passive_breach_cancels_nothing
    r18_breached_follows_the_usage
    r19_multi_leg_orders_are_absent
    r20_the_base_currency_and_rates
    r21_locates_and_settled_positions_are_the_days
    r22_not_ready_until_the_day_is_open
    r23_a_trade_date_that_is_none
    r23_end_of_day_is_a_command
    r23_what_ends_with_the_day_says_how_much
    r24_a_split_leaves_cover_in_whole_steps
    r24_position_override
    r24_split
    r25_a_limit_below_usage_is_accepted
    r26_a_flapping_session_uses_nothing_up
    r26_cancel_on_disconnect
    r26_temporary_limits
    r27_a_limit_of_0_leaves_no_level_to_cross
    r26_a_temporary_value_has_the_unit_of_its_limit
    r27_warn_levels
    r28_all_levels_or_none
    r28_an_account_that_moves_takes_its_day_along
    r29_a_pending_cancel_still_matches
    r30_kill_switch
    r31_a_report_may_name_the_cancel_request
    r31_cancels_are_hardly_ever_refused
    r32_sequence_numbers
    r33_a_restart_takes_every_session_down
    r33_everything_that_decides_is_in_the_journal
    r34_time_comes_with_the_commands
    r35_whatif_reserves_nothing
    realised_and_unrealised
    room_is_what_the_checks_allow
    room_with_odd_lots_and_odd_references
    explain
    explain_what_was_reached
    s05_at_most_64_proposals_wait
    s05_two_people_to_loosen
    s05_two_people_to_loosen_states_and_accounts
    s06_inline_and_sidecar
    s07_mass_cancel
    shadow_mode
    trading_states
    value_overflow
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

#[test]
fn every_control_and_every_rule_has_a_scenario() {
    let numbers = (1..=19)
        .map(|n| format!("c{n:02}"))
        .chain((1..=35).map(|n| format!("r{n:02}")));
    for number in numbers {
        let shown = NAMES
            .iter()
            .any(|name| name.starts_with(&format!("{number}_")));
        assert!(shown, "{number} has no scenario");
    }
}

#[test]
fn every_refusal_of_the_engine_appears_in_a_scenario() {
    let mut all = String::new();
    for name in NAMES {
        let path = scenario::directory().join(format!("{name}.txt"));
        all += &std::fs::read_to_string(path).unwrap();
    }
    for code in RejectCode::ALL.iter().filter(|code| code.number() >= 100) {
        let shown = all.contains(&format!("ed {} {code}", code.number()));
        assert!(shown, "{code} appears in no scenario");
    }
}
