-- Dissector of the Portcullis order-entry protocol, schema 7201 version 0, for Wireshark and tshark.
-- Generated from engine/wire/src by PORTCULLIS_BLESS=1 cargo test -p wire; a test keeps it true.
--
--   cp clients/wireshark/portcullis.lua ~/.local/lib/wireshark/plugins/
--   tshark -X lua_script:clients/wireshark/portcullis.lua -r FILE -Y 'portcullis.clOrdId == 1001'

local SCHEMA_ID, MARKER, LONGEST = 7201, 0xeb50, 512

local enums = {}
enums.Flag = { [0] = "No", [1] = "Yes", [255] = "null" }
enums.Side = { [1] = "Buy", [2] = "Sell", [5] = "SellShort", [255] = "null" }
enums.OrdType = { [1] = "Market", [2] = "Limit", [3] = "Stop", [4] = "StopLimit", [255] = "null" }
enums.TimeInForce = { [0] = "Day", [1] = "GoodTillCancel", [3] = "ImmediateOrCancel", [4] = "FillOrKill", [255] = "null" }
enums.Capacity = { [1] = "Agency", [2] = "Principal", [3] = "RisklessPrincipal", [255] = "null" }
enums.ExecType = { [0] = "New", [1] = "Fill", [2] = "Replaced", [3] = "Cancelled", [4] = "Expired", [5] = "Rejected", [6] = "CancelRejected", [7] = "ReplaceRejected", [8] = "Bust", [9] = "Correct", [255] = "null" }
enums.CancelReason = { [0] = "Requested", [1] = "Unsolicited", [2] = "VenueRejected", [3] = "Expired", [4] = "KillSwitch", [5] = "MassCancel", [6] = "Disconnect", [7] = "Reconciled", [8] = "UnknownAtVenue", [255] = "null" }
enums.Liquidity = { [0] = "Unknown", [1] = "Added", [2] = "Removed", [3] = "Auction", [255] = "null" }
enums.Role = { [1] = "Desk", [2] = "Venue", [3] = "Risk", [4] = "Ops", [5] = "Audit", [255] = "null" }
enums.Topology = { [1] = "Inline", [2] = "Sidecar", [255] = "null" }
enums.CodMode = { [0] = "Off", [1] = "Disconnect", [2] = "Terminate", [3] = "Both", [255] = "null" }
enums.Scope = { [1] = "Account", [2] = "Desk", [3] = "Firm", [4] = "Trader", [5] = "Instrument", [255] = "null" }
enums.Selector = { [1] = "Instrument", [2] = "Group", [3] = "All", [4] = "Currency", [255] = "null" }
enums.LimitKind = { [1] = "MaxOrderQty", [2] = "MaxOrderNotional", [3] = "PriceCollar", [4] = "ReferenceMaxAge", [5] = "OrderRate", [6] = "DuplicateOrder", [7] = "RepeatedExecution", [8] = "MaxOpenOrders", [9] = "MaxLong", [10] = "MaxShort", [11] = "GrossNotional", [12] = "NetLong", [13] = "NetShort", [14] = "DailyBuyTurnover", [15] = "DailySellTurnover", [16] = "DailyTurnover", [17] = "DailyLoss", [18] = "MaxOrderVsAdv", [19] = "MarketMakerProtection", [20] = "BuyingPower", [255] = "null" }
enums.Unit = { [0] = "Natural", [1] = "BasisPoints", [2] = "Ticks", [3] = "Quantity", [4] = "Fills", [5] = "Halt", [255] = "null" }
enums.LimitMode = { [0] = "Enforced", [1] = "Shadow", [255] = "null" }
enums.TradingState = { [0] = "Active", [1] = "ReduceOnly", [2] = "Halted", [255] = "null" }
enums.QueryWhat = { [1] = "Positions", [2] = "Limits", [3] = "OpenOrders", [4] = "Sessions", [5] = "States", [6] = "Room", [7] = "Proposals", [255] = "null" }
enums.OrderStatus = { [0] = "PendingNew", [1] = "Open", [2] = "PendingCancel", [3] = "PendingReplace", [4] = "Unresolved", [5] = "Terminal", [255] = "null" }
enums.RiskEventKind = { [1] = "LimitChanged", [2] = "Warning", [3] = "Breach", [4] = "StateChanged", [5] = "SessionUp", [6] = "SessionDown", [7] = "LateFill", [8] = "Overfill", [9] = "UnknownOrderFill", [10] = "UnknownInstrumentFill", [11] = "ExecutionMismatch", [12] = "OrderUnresolved", [13] = "Reconciled", [14] = "Day", [15] = "Restricted", [16] = "Capacity", [17] = "TemporaryEnded", [18] = "RepeatedExecution", [19] = "DailyLoss", [20] = "MarketMakerProtection", [21] = "Busted", [22] = "Adjusted", [23] = "Proposed", [24] = "Approved", [25] = "Withdrawn", [26] = "ProposalLapsed", [27] = "TwoPerson", [255] = "null" }
enums.Severity = { [0] = "Info", [1] = "Warning", [2] = "Critical", [255] = "null" }
enums.AdjustKind = { [1] = "Position", [2] = "Split", [255] = "null" }
enums.LocateWhat = { [1] = "Settled", [2] = "Locates", [255] = "null" }
enums.ProposalKind = { [1] = "Limit", [2] = "State", [3] = "Move", [4] = "SinglePerson", [255] = "null" }
enums.ApprovalAction = { [1] = "Approve", [2] = "Withdraw", [255] = "null" }
enums.ReconcileWhat = { [1] = "Order", [2] = "Restart", [255] = "null" }
enums.RejectCode = { [0] = "none", [1] = "Credentials", [2] = "UnknownSession", [3] = "AlreadyLoggedOn", [4] = "WrongEpoch", [5] = "SeqTooHigh", [6] = "Version", [7] = "SessionBlocked", [8] = "KeepAliveRange", [9] = "Throttled", [10] = "RoleDenied", [11] = "SeqTooLow", [12] = "Disconnected", [13] = "SlowConsumer", [50] = "MalformedField", [51] = "UnknownTemplate", [52] = "UnsupportedFlag", [100] = "DuplicateClOrdId", [101] = "UnknownOrder", [102] = "UnknownInstrument", [103] = "UnknownAccount", [104] = "TooLate", [105] = "BadQty", [106] = "BadPrice", [107] = "Busy", [108] = "VenueDown", [109] = "NotReady", [110] = "NotEntitled", [111] = "UnsupportedOrderType", [112] = "NotPermitted", [113] = "CapacityExceeded", [200] = "Halted", [201] = "OrderRate", [202] = "DuplicateOrder", [203] = "ReferenceMissing", [204] = "ReferenceStale", [205] = "FxMissing", [206] = "FxStale", [207] = "PriceCollar", [208] = "MaxOrderQty", [209] = "ValueOverflow", [210] = "MaxOrderNotional", [211] = "MaxOrderVsAdv", [212] = "MaxOpenOrders", [213] = "ShortSale", [214] = "MaxLong", [215] = "MaxShort", [216] = "ReduceOnly", [217] = "Restricted", [218] = "GrossNotional", [219] = "NetLong", [220] = "NetShort", [221] = "Turnover", [222] = "BuyingPower", [223] = "SelfMatch", [224] = "MarketMakerProtection", [225] = "LimitNotSet", [300] = "VersionConflict", [301] = "LimitRange", [302] = "NotAuthorised", [303] = "NeedsApproval" }

-- Every field by its filter name.
local fields = {}
fields["portcullis.minVersion"] = ProtoField.uint16("portcullis.minVersion", "minVersion", base.DEC)
fields["portcullis.maxVersion"] = ProtoField.uint16("portcullis.maxVersion", "maxVersion", base.DEC)
fields["portcullis.serverTime"] = ProtoField.uint64("portcullis.serverTime", "serverTime", base.DEC)
fields["portcullis.epoch"] = ProtoField.uint64("portcullis.epoch", "epoch", base.DEC)
fields["portcullis.challenge"] = ProtoField.string("portcullis.challenge", "challenge")
fields["portcullis.instance"] = ProtoField.string("portcullis.instance", "instance")
fields["portcullis.sessionId"] = ProtoField.uint32("portcullis.sessionId", "sessionId", base.DEC)
fields["portcullis.nextExpectedSeqNo"] = ProtoField.uint64("portcullis.nextExpectedSeqNo", "nextExpectedSeqNo", base.DEC)
fields["portcullis.keepAliveMs"] = ProtoField.uint32("portcullis.keepAliveMs", "keepAliveMs", base.DEC)
fields["portcullis.codGraceMs"] = ProtoField.uint16("portcullis.codGraceMs", "codGraceMs", base.DEC)
fields["portcullis.codMode"] = ProtoField.uint8("portcullis.codMode", "codMode", base.DEC, enums.CodMode)
fields["portcullis.role"] = ProtoField.uint8("portcullis.role", "role", base.DEC, enums.Role)
fields["portcullis.appName"] = ProtoField.string("portcullis.appName", "appName")
fields["portcullis.appVersion"] = ProtoField.string("portcullis.appVersion", "appVersion")
fields["portcullis.keyId"] = ProtoField.uint32("portcullis.keyId", "keyId", base.DEC)
fields["portcullis.flags"] = ProtoField.uint32("portcullis.flags", "flags", base.DEC)
fields["portcullis.signature"] = ProtoField.string("portcullis.signature", "signature")
fields["portcullis.nextSeqNo"] = ProtoField.uint64("portcullis.nextSeqNo", "nextSeqNo", base.DEC)
fields["portcullis.lastAppliedSeqNo"] = ProtoField.uint64("portcullis.lastAppliedSeqNo", "lastAppliedSeqNo", base.DEC)
fields["portcullis.maxMsgPerSec"] = ProtoField.uint32("portcullis.maxMsgPerSec", "maxMsgPerSec", base.DEC)
fields["portcullis.replayCount"] = ProtoField.uint64("portcullis.replayCount", "replayCount", base.DEC)
fields["portcullis.code"] = ProtoField.uint16("portcullis.code", "code", base.DEC, enums.RejectCode)
fields["portcullis.retryAfterMs"] = ProtoField.uint32("portcullis.retryAfterMs", "retryAfterMs", base.DEC)
fields["portcullis.sendTime"] = ProtoField.uint64("portcullis.sendTime", "sendTime", base.DEC)
fields["portcullis.echoTime"] = ProtoField.uint64("portcullis.echoTime", "echoTime", base.DEC)
fields["portcullis.seqNo"] = ProtoField.uint64("portcullis.seqNo", "seqNo", base.DEC)
fields["portcullis.clOrdId"] = ProtoField.uint64("portcullis.clOrdId", "clOrdId", base.DEC)
fields["portcullis.price"] = ProtoField.int64("portcullis.price", "price", base.DEC)
fields["portcullis.qty"] = ProtoField.int64("portcullis.qty", "qty", base.DEC)
fields["portcullis.account"] = ProtoField.uint32("portcullis.account", "account", base.DEC)
fields["portcullis.instrumentId"] = ProtoField.uint32("portcullis.instrumentId", "instrumentId", base.DEC)
fields["portcullis.traderId"] = ProtoField.uint16("portcullis.traderId", "traderId", base.DEC)
fields["portcullis.strategyId"] = ProtoField.uint16("portcullis.strategyId", "strategyId", base.DEC)
fields["portcullis.side"] = ProtoField.uint8("portcullis.side", "side", base.DEC, enums.Side)
fields["portcullis.ordType"] = ProtoField.uint8("portcullis.ordType", "ordType", base.DEC, enums.OrdType)
fields["portcullis.tif"] = ProtoField.uint8("portcullis.tif", "tif", base.DEC, enums.TimeInForce)
fields["portcullis.capacity"] = ProtoField.uint8("portcullis.capacity", "capacity", base.DEC, enums.Capacity)
fields["portcullis.origClOrdId"] = ProtoField.uint64("portcullis.origClOrdId", "origClOrdId", base.DEC)
fields["portcullis.scope"] = ProtoField.uint8("portcullis.scope", "scope", base.DEC, enums.Scope)
fields["portcullis.orderId"] = ProtoField.uint64("portcullis.orderId", "orderId", base.DEC)
fields["portcullis.venueExecId"] = ProtoField.uint64("portcullis.venueExecId", "venueExecId", base.DEC)
fields["portcullis.refExecId"] = ProtoField.uint64("portcullis.refExecId", "refExecId", base.DEC)
fields["portcullis.lastPx"] = ProtoField.int64("portcullis.lastPx", "lastPx", base.DEC)
fields["portcullis.lastQty"] = ProtoField.int64("portcullis.lastQty", "lastQty", base.DEC)
fields["portcullis.cumQty"] = ProtoField.int64("portcullis.cumQty", "cumQty", base.DEC)
fields["portcullis.leavesQty"] = ProtoField.int64("portcullis.leavesQty", "leavesQty", base.DEC)
fields["portcullis.transactTime"] = ProtoField.uint64("portcullis.transactTime", "transactTime", base.DEC)
fields["portcullis.tradeDate"] = ProtoField.uint32("portcullis.tradeDate", "tradeDate", base.DEC)
fields["portcullis.orderSessionId"] = ProtoField.uint32("portcullis.orderSessionId", "orderSessionId", base.DEC)
fields["portcullis.venueId"] = ProtoField.uint16("portcullis.venueId", "venueId", base.DEC)
fields["portcullis.execType"] = ProtoField.uint8("portcullis.execType", "execType", base.DEC, enums.ExecType)
fields["portcullis.liquidity"] = ProtoField.uint8("portcullis.liquidity", "liquidity", base.DEC, enums.Liquidity)
fields["portcullis.reopen"] = ProtoField.uint8("portcullis.reopen", "reopen", base.DEC, enums.Flag)
fields["portcullis.reason.CancelReason"] = ProtoField.uint8("portcullis.reason.CancelReason", "reason", base.DEC, enums.CancelReason)
fields["portcullis.requestId"] = ProtoField.uint64("portcullis.requestId", "requestId", base.DEC)
fields["portcullis.value"] = ProtoField.int64("portcullis.value", "value", base.DEC)
fields["portcullis.windowNs"] = ProtoField.uint64("portcullis.windowNs", "windowNs", base.DEC)
fields["portcullis.expiresAt"] = ProtoField.uint64("portcullis.expiresAt", "expiresAt", base.DEC)
fields["portcullis.expectedVersion"] = ProtoField.uint32("portcullis.expectedVersion", "expectedVersion", base.DEC)
fields["portcullis.scopeId"] = ProtoField.uint32("portcullis.scopeId", "scopeId", base.DEC)
fields["portcullis.selectorId"] = ProtoField.uint32("portcullis.selectorId", "selectorId", base.DEC)
fields["portcullis.limitKind"] = ProtoField.uint8("portcullis.limitKind", "limitKind", base.DEC, enums.LimitKind)
fields["portcullis.selector"] = ProtoField.uint8("portcullis.selector", "selector", base.DEC, enums.Selector)
fields["portcullis.unit"] = ProtoField.uint8("portcullis.unit", "unit", base.DEC, enums.Unit)
fields["portcullis.mode"] = ProtoField.uint8("portcullis.mode", "mode", base.DEC, enums.LimitMode)
fields["portcullis.warn1"] = ProtoField.uint8("portcullis.warn1", "warn1", base.DEC)
fields["portcullis.warn2"] = ProtoField.uint8("portcullis.warn2", "warn2", base.DEC)
fields["portcullis.warn3"] = ProtoField.uint8("portcullis.warn3", "warn3", base.DEC)
fields["portcullis.reason.char32"] = ProtoField.string("portcullis.reason.char32", "reason")
fields["portcullis.state"] = ProtoField.uint8("portcullis.state", "state", base.DEC, enums.TradingState)
fields["portcullis.cancelOpen"] = ProtoField.uint8("portcullis.cancelOpen", "cancelOpen", base.DEC, enums.Flag)
fields["portcullis.minEngineSeq"] = ProtoField.uint64("portcullis.minEngineSeq", "minEngineSeq", base.DEC)
fields["portcullis.cursor"] = ProtoField.uint64("portcullis.cursor", "cursor", base.DEC)
fields["portcullis.what.QueryWhat"] = ProtoField.uint8("portcullis.what.QueryWhat", "what", base.DEC, enums.QueryWhat)
fields["portcullis.maxRows"] = ProtoField.uint16("portcullis.maxRows", "maxRows", base.DEC)
fields["portcullis.feedTime"] = ProtoField.uint64("portcullis.feedTime", "feedTime", base.DEC)
fields["portcullis.rate"] = ProtoField.int64("portcullis.rate", "rate", base.DEC)
fields["portcullis.rateTime"] = ProtoField.uint64("portcullis.rateTime", "rateTime", base.DEC)
fields["portcullis.maxAgeNs"] = ProtoField.uint64("portcullis.maxAgeNs", "maxAgeNs", base.DEC)
fields["portcullis.currency"] = ProtoField.string("portcullis.currency", "currency")
fields["portcullis.tick"] = ProtoField.int64("portcullis.tick", "tick", base.DEC)
fields["portcullis.lot"] = ProtoField.int64("portcullis.lot", "lot", base.DEC)
fields["portcullis.qtyStep"] = ProtoField.int64("portcullis.qtyStep", "qtyStep", base.DEC)
fields["portcullis.multiplier"] = ProtoField.int64("portcullis.multiplier", "multiplier", base.DEC)
fields["portcullis.averageDailyVolume"] = ProtoField.int64("portcullis.averageDailyVolume", "averageDailyVolume", base.DEC)
fields["portcullis.productGroup"] = ProtoField.uint32("portcullis.productGroup", "productGroup", base.DEC)
fields["portcullis.oddLotSell"] = ProtoField.uint8("portcullis.oddLotSell", "oddLotSell", base.DEC, enums.Flag)
fields["portcullis.shortSaleCheck"] = ProtoField.uint8("portcullis.shortSaleCheck", "shortSaleCheck", base.DEC, enums.Flag)
fields["portcullis.ordTypes"] = ProtoField.uint8("portcullis.ordTypes", "ordTypes", base.DEC)
fields["portcullis.symbol"] = ProtoField.string("portcullis.symbol", "symbol")
fields["portcullis.deskId"] = ProtoField.uint32("portcullis.deskId", "deskId", base.DEC)
fields["portcullis.selfMatchGroup"] = ProtoField.uint32("portcullis.selfMatchGroup", "selfMatchGroup", base.DEC)
fields["portcullis.selfMatchOff"] = ProtoField.uint8("portcullis.selfMatchOff", "selfMatchOff", base.DEC, enums.Flag)
fields["portcullis.suspense"] = ProtoField.uint8("portcullis.suspense", "suspense", base.DEC, enums.Flag)
fields["portcullis.name.char24"] = ProtoField.string("portcullis.name.char24", "name")
fields["portcullis.allow"] = ProtoField.uint8("portcullis.allow", "allow", base.DEC, enums.Flag)
fields["portcullis.batchId"] = ProtoField.uint64("portcullis.batchId", "batchId", base.DEC)
fields["portcullis.businessDate"] = ProtoField.uint32("portcullis.businessDate", "businessDate", base.DEC)
fields["portcullis.last"] = ProtoField.uint8("portcullis.last", "last", base.DEC, enums.Flag)
fields["portcullis.what.ReconcileWhat"] = ProtoField.uint8("portcullis.what.ReconcileWhat", "what", base.DEC, enums.ReconcileWhat)
fields["portcullis.adjustId"] = ProtoField.uint64("portcullis.adjustId", "adjustId", base.DEC)
fields["portcullis.numerator"] = ProtoField.uint32("portcullis.numerator", "numerator", base.DEC)
fields["portcullis.denominator"] = ProtoField.uint32("portcullis.denominator", "denominator", base.DEC)
fields["portcullis.kind"] = ProtoField.uint8("portcullis.kind", "kind", base.DEC, enums.AdjustKind)
fields["portcullis.approver"] = ProtoField.string("portcullis.approver", "approver")
fields["portcullis.what.LocateWhat"] = ProtoField.uint8("portcullis.what.LocateWhat", "what", base.DEC, enums.LocateWhat)
fields["portcullis.amount"] = ProtoField.int64("portcullis.amount", "amount", base.DEC)
fields["portcullis.limitExpiresAt"] = ProtoField.uint64("portcullis.limitExpiresAt", "limitExpiresAt", base.DEC)
fields["portcullis.what.ProposalKind"] = ProtoField.uint8("portcullis.what.ProposalKind", "what", base.DEC, enums.ProposalKind)
fields["portcullis.proposalId"] = ProtoField.uint32("portcullis.proposalId", "proposalId", base.DEC)
fields["portcullis.action"] = ProtoField.uint8("portcullis.action", "action", base.DEC, enums.ApprovalAction)
fields["portcullis.time"] = ProtoField.uint64("portcullis.time", "time", base.DEC)
fields["portcullis.on"] = ProtoField.uint8("portcullis.on", "on", base.DEC, enums.Flag)
fields["portcullis.engineSeq"] = ProtoField.uint64("portcullis.engineSeq", "engineSeq", base.DEC)
fields["portcullis.engineTime"] = ProtoField.uint64("portcullis.engineTime", "engineTime", base.DEC)
fields["portcullis.decisionNanos"] = ProtoField.uint32("portcullis.decisionNanos", "decisionNanos", base.DEC)
fields["portcullis.utilBps"] = ProtoField.uint16("portcullis.utilBps", "utilBps", base.DEC)
fields["portcullis.utilLimitKind"] = ProtoField.uint8("portcullis.utilLimitKind", "utilLimitKind", base.DEC, enums.LimitKind)
fields["portcullis.utilScope"] = ProtoField.uint8("portcullis.utilScope", "utilScope", base.DEC, enums.Scope)
fields["portcullis.limitValue"] = ProtoField.int64("portcullis.limitValue", "limitValue", base.DEC)
fields["portcullis.observedValue"] = ProtoField.int64("portcullis.observedValue", "observedValue", base.DEC)
fields["portcullis.refTemplateId.uInt8"] = ProtoField.uint8("portcullis.refTemplateId.uInt8", "refTemplateId", base.DEC)
fields["portcullis.limitScope"] = ProtoField.uint8("portcullis.limitScope", "limitScope", base.DEC, enums.Scope)
fields["portcullis.limitVersion"] = ProtoField.uint32("portcullis.limitVersion", "limitVersion", base.DEC)
fields["portcullis.cancelledQty"] = ProtoField.int64("portcullis.cancelledQty", "cancelledQty", base.DEC)
fields["portcullis.execId"] = ProtoField.uint64("portcullis.execId", "execId", base.DEC)
fields["portcullis.netPosition"] = ProtoField.int64("portcullis.netPosition", "netPosition", base.DEC)
fields["portcullis.newExecId"] = ProtoField.uint64("portcullis.newExecId", "newExecId", base.DEC)
fields["portcullis.requested"] = ProtoField.uint32("portcullis.requested", "requested", base.DEC)
fields["portcullis.outstanding"] = ProtoField.uint32("portcullis.outstanding", "outstanding", base.DEC)
fields["portcullis.refSeqNo"] = ProtoField.uint64("portcullis.refSeqNo", "refSeqNo", base.DEC)
fields["portcullis.refId"] = ProtoField.uint64("portcullis.refId", "refId", base.DEC)
fields["portcullis.refTemplateId.uInt16"] = ProtoField.uint16("portcullis.refTemplateId.uInt16", "refTemplateId", base.DEC)
fields["portcullis.fieldOffset"] = ProtoField.uint16("portcullis.fieldOffset", "fieldOffset", base.DEC)
fields["portcullis.fromSeqNo"] = ProtoField.uint64("portcullis.fromSeqNo", "fromSeqNo", base.DEC)
fields["portcullis.count.uInt64"] = ProtoField.uint64("portcullis.count.uInt64", "count", base.DEC)
fields["portcullis.oldValue"] = ProtoField.int64("portcullis.oldValue", "oldValue", base.DEC)
fields["portcullis.newValue"] = ProtoField.int64("portcullis.newValue", "newValue", base.DEC)
fields["portcullis.actor"] = ProtoField.uint32("portcullis.actor", "actor", base.DEC)
fields["portcullis.event"] = ProtoField.uint8("portcullis.event", "event", base.DEC, enums.RiskEventKind)
fields["portcullis.severity"] = ProtoField.uint8("portcullis.severity", "severity", base.DEC, enums.Severity)
fields["portcullis.version"] = ProtoField.uint32("portcullis.version", "version", base.DEC)
fields["portcullis.netQty"] = ProtoField.int64("portcullis.netQty", "netQty", base.DEC)
fields["portcullis.openBuyQty"] = ProtoField.int64("portcullis.openBuyQty", "openBuyQty", base.DEC)
fields["portcullis.openSellQty"] = ProtoField.int64("portcullis.openSellQty", "openSellQty", base.DEC)
fields["portcullis.avgPx"] = ProtoField.int64("portcullis.avgPx", "avgPx", base.DEC)
fields["portcullis.notional"] = ProtoField.int64("portcullis.notional", "notional", base.DEC)
fields["portcullis.dayPnl"] = ProtoField.int64("portcullis.dayPnl", "dayPnl", base.DEC)
fields["portcullis.realisedPnl"] = ProtoField.int64("portcullis.realisedPnl", "realisedPnl", base.DEC)
fields["portcullis.unrealisedPnl"] = ProtoField.int64("portcullis.unrealisedPnl", "unrealisedPnl", base.DEC)
fields["portcullis.fxVersion"] = ProtoField.uint32("portcullis.fxVersion", "fxVersion", base.DEC)
fields["portcullis.newVersion"] = ProtoField.uint32("portcullis.newVersion", "newVersion", base.DEC)
fields["portcullis.count.uInt32"] = ProtoField.uint32("portcullis.count.uInt32", "count", base.DEC)
fields["portcullis.used"] = ProtoField.int64("portcullis.used", "used", base.DEC)
fields["portcullis.status"] = ProtoField.uint8("portcullis.status", "status", base.DEC, enums.OrderStatus)
fields["portcullis.breached"] = ProtoField.uint8("portcullis.breached", "breached", base.DEC, enums.Flag)
fields["portcullis.restricted"] = ProtoField.uint8("portcullis.restricted", "restricted", base.DEC, enums.Flag)
fields["portcullis.ready"] = ProtoField.uint8("portcullis.ready", "ready", base.DEC, enums.Flag)
fields["portcullis.twoPerson"] = ProtoField.uint8("portcullis.twoPerson", "twoPerson", base.DEC, enums.Flag)
fields["portcullis.clOrdIdMark"] = ProtoField.uint64("portcullis.clOrdIdMark", "clOrdIdMark", base.DEC)
fields["portcullis.topology"] = ProtoField.uint8("portcullis.topology", "topology", base.DEC, enums.Topology)
fields["portcullis.up"] = ProtoField.uint8("portcullis.up", "up", base.DEC, enums.Flag)
fields["portcullis.name.char16"] = ProtoField.string("portcullis.name.char16", "name")
fields["portcullis.maxBuy"] = ProtoField.int64("portcullis.maxBuy", "maxBuy", base.DEC)
fields["portcullis.maxSell"] = ProtoField.int64("portcullis.maxSell", "maxSell", base.DEC)
fields["portcullis.buyCode"] = ProtoField.uint16("portcullis.buyCode", "buyCode", base.DEC)
fields["portcullis.sellCode"] = ProtoField.uint16("portcullis.sellCode", "sellCode", base.DEC)
fields["portcullis.proposedAt"] = ProtoField.uint64("portcullis.proposedAt", "proposedAt", base.DEC)
fields["portcullis.person"] = ProtoField.string("portcullis.person", "person")

-- Every message: its name, the length of its block, and of each field: filter name, offset, size, how it
-- is to be read, and what stands for null.
local messages = {}
messages[1] = { "Hello", 68, {
    { "portcullis.minVersion", 0, 2, "plain" },
    { "portcullis.maxVersion", 2, 2, "plain" },
    { "portcullis.serverTime", 4, 8, "time" },
    { "portcullis.epoch", 12, 8, "plain" },
    { "portcullis.challenge", 20, 32, "text" },
    { "portcullis.instance", 52, 16, "text" },
} }
messages[2] = { "Logon", 188, {
    { "portcullis.sessionId", 0, 4, "plain" },
    { "portcullis.epoch", 4, 8, "plain" },
    { "portcullis.nextExpectedSeqNo", 12, 8, "plain" },
    { "portcullis.keepAliveMs", 20, 4, "plain" },
    { "portcullis.codGraceMs", 24, 2, "plain" },
    { "portcullis.codMode", 26, 1, "plain" },
    { "portcullis.role", 27, 1, "plain" },
    { "portcullis.appName", 28, 16, "text" },
    { "portcullis.appVersion", 44, 8, "text" },
    { "portcullis.keyId", 52, 4, "plain" },
    { "portcullis.flags", 56, 4, "plain" },
    { "portcullis.signature", 60, 128, "text" },
} }
messages[3] = { "LogonAck", 52, {
    { "portcullis.sessionId", 0, 4, "plain" },
    { "portcullis.epoch", 4, 8, "plain" },
    { "portcullis.nextSeqNo", 12, 8, "plain" },
    { "portcullis.lastAppliedSeqNo", 20, 8, "plain" },
    { "portcullis.serverTime", 28, 8, "time" },
    { "portcullis.keepAliveMs", 36, 4, "plain" },
    { "portcullis.maxMsgPerSec", 40, 4, "plain" },
    { "portcullis.replayCount", 44, 8, "plain" },
} }
messages[4] = { "LogonReject", 28, {
    { "portcullis.sessionId", 0, 4, "plain" },
    { "portcullis.epoch", 4, 8, "plain" },
    { "portcullis.nextSeqNo", 12, 8, "plain" },
    { "portcullis.code", 20, 2, "plain" },
    { "portcullis.retryAfterMs", 24, 4, "plain" },
} }
messages[5] = { "Heartbeat", 36, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.nextSeqNo", 4, 8, "plain" },
    { "portcullis.lastAppliedSeqNo", 12, 8, "plain" },
    { "portcullis.sendTime", 20, 8, "time" },
    { "portcullis.echoTime", 28, 8, "time" },
} }
messages[6] = { "ReplayComplete", 12, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.nextSeqNo", 4, 8, "plain" },
} }
messages[7] = { "Terminate", 20, {
    { "portcullis.code", 0, 2, "plain" },
    { "portcullis.lastAppliedSeqNo", 4, 8, "plain" },
    { "portcullis.nextSeqNo", 12, 8, "plain" },
} }
messages[100] = { "NewOrder", 52, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.clOrdId", 12, 8, "plain" },
    { "portcullis.price", 20, 8, "e8", "-9223372036854775808" },
    { "portcullis.qty", 28, 8, "e8" },
    { "portcullis.account", 36, 4, "plain" },
    { "portcullis.instrumentId", 40, 4, "plain" },
    { "portcullis.traderId", 44, 2, "plain" },
    { "portcullis.strategyId", 46, 2, "plain" },
    { "portcullis.side", 48, 1, "plain" },
    { "portcullis.ordType", 49, 1, "plain" },
    { "portcullis.tif", 50, 1, "plain" },
    { "portcullis.capacity", 51, 1, "plain" },
} }
messages[101] = { "ReplaceOrder", 52, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.clOrdId", 12, 8, "plain" },
    { "portcullis.origClOrdId", 20, 8, "plain" },
    { "portcullis.price", 28, 8, "e8", "-9223372036854775808" },
    { "portcullis.qty", 36, 8, "e8" },
    { "portcullis.traderId", 44, 2, "plain" },
    { "portcullis.strategyId", 46, 2, "plain" },
} }
messages[102] = { "CancelOrder", 36, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.clOrdId", 12, 8, "plain" },
    { "portcullis.origClOrdId", 20, 8, "plain" },
    { "portcullis.traderId", 28, 2, "plain" },
    { "portcullis.strategyId", 30, 2, "plain" },
} }
messages[103] = { "MassCancel", 36, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.clOrdId", 12, 8, "plain" },
    { "portcullis.scope", 20, 1, "plain", "255" },
    { "portcullis.side", 21, 1, "plain", "255" },
    { "portcullis.traderId", 22, 2, "plain", "65535" },
    { "portcullis.account", 24, 4, "plain", "4294967295" },
    { "portcullis.instrumentId", 28, 4, "plain", "4294967295" },
    { "portcullis.strategyId", 32, 2, "plain", "65535" },
} }
messages[104] = { "VenueReport", 108, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.orderId", 12, 8, "plain" },
    { "portcullis.clOrdId", 20, 8, "plain" },
    { "portcullis.venueExecId", 28, 8, "plain" },
    { "portcullis.refExecId", 36, 8, "plain" },
    { "portcullis.lastPx", 44, 8, "e8", "-9223372036854775808" },
    { "portcullis.lastQty", 52, 8, "e8" },
    { "portcullis.cumQty", 60, 8, "e8", "-9223372036854775808" },
    { "portcullis.leavesQty", 68, 8, "e8", "-9223372036854775808" },
    { "portcullis.transactTime", 76, 8, "time" },
    { "portcullis.tradeDate", 84, 4, "plain" },
    { "portcullis.account", 88, 4, "plain" },
    { "portcullis.instrumentId", 92, 4, "plain" },
    { "portcullis.orderSessionId", 96, 4, "plain" },
    { "portcullis.venueId", 100, 2, "plain" },
    { "portcullis.execType", 102, 1, "plain" },
    { "portcullis.side", 103, 1, "plain" },
    { "portcullis.liquidity", 104, 1, "plain" },
    { "portcullis.reopen", 105, 1, "plain" },
    { "portcullis.reason.CancelReason", 106, 1, "plain" },
} }
messages[120] = { "SetLimit", 100, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.value", 20, 8, "plain", "-9223372036854775808" },
    { "portcullis.windowNs", 28, 8, "plain" },
    { "portcullis.expiresAt", 36, 8, "time" },
    { "portcullis.expectedVersion", 44, 4, "plain" },
    { "portcullis.scopeId", 48, 4, "plain" },
    { "portcullis.selectorId", 52, 4, "plain" },
    { "portcullis.scope", 56, 1, "plain" },
    { "portcullis.limitKind", 57, 1, "plain" },
    { "portcullis.selector", 58, 1, "plain" },
    { "portcullis.unit", 59, 1, "plain" },
    { "portcullis.mode", 60, 1, "plain" },
    { "portcullis.warn1", 61, 1, "plain" },
    { "portcullis.warn2", 62, 1, "plain" },
    { "portcullis.warn3", 63, 1, "plain" },
    { "portcullis.reason.char32", 64, 32, "text" },
} }
messages[121] = { "SetState", 68, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.expectedVersion", 20, 4, "plain" },
    { "portcullis.scopeId", 24, 4, "plain" },
    { "portcullis.scope", 28, 1, "plain" },
    { "portcullis.state", 29, 1, "plain" },
    { "portcullis.cancelOpen", 30, 1, "plain" },
    { "portcullis.reason.char32", 32, 32, "text" },
} }
messages[122] = { "Query", 60, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.minEngineSeq", 20, 8, "plain" },
    { "portcullis.cursor", 28, 8, "plain" },
    { "portcullis.scopeId", 36, 4, "plain", "4294967295" },
    { "portcullis.instrumentId", 40, 4, "plain", "4294967295" },
    { "portcullis.what.QueryWhat", 44, 1, "plain" },
    { "portcullis.scope", 45, 1, "plain", "255" },
    { "portcullis.maxRows", 46, 2, "plain" },
    { "portcullis.traderId", 48, 2, "plain", "65535" },
    { "portcullis.price", 52, 8, "e8", "-9223372036854775808" },
} }
messages[123] = { "SetReference", 44, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.price", 20, 8, "e8", "-9223372036854775808" },
    { "portcullis.feedTime", 28, 8, "time" },
    { "portcullis.instrumentId", 36, 4, "plain" },
} }
messages[124] = { "SetMark", 36, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.price", 20, 8, "e8", "-9223372036854775808" },
    { "portcullis.instrumentId", 28, 4, "plain" },
} }
messages[125] = { "SetFx", 52, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.rate", 20, 8, "e8", "-9223372036854775808" },
    { "portcullis.rateTime", 28, 8, "time" },
    { "portcullis.maxAgeNs", 36, 8, "plain", "18446744073709551615" },
    { "portcullis.currency", 44, 4, "text" },
} }
messages[126] = { "DefineInstrument", 100, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.tick", 20, 8, "e8" },
    { "portcullis.lot", 28, 8, "e8" },
    { "portcullis.qtyStep", 36, 8, "e8" },
    { "portcullis.multiplier", 44, 8, "e8" },
    { "portcullis.averageDailyVolume", 52, 8, "e8", "-9223372036854775808" },
    { "portcullis.instrumentId", 60, 4, "plain" },
    { "portcullis.productGroup", 64, 4, "plain" },
    { "portcullis.currency", 68, 4, "text" },
    { "portcullis.venueId", 72, 2, "plain" },
    { "portcullis.oddLotSell", 76, 1, "plain" },
    { "portcullis.shortSaleCheck", 77, 1, "plain" },
    { "portcullis.ordTypes", 78, 1, "plain" },
    { "portcullis.symbol", 80, 20, "text" },
} }
messages[127] = { "DefineAccount", 60, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.account", 20, 4, "plain" },
    { "portcullis.deskId", 24, 4, "plain" },
    { "portcullis.selfMatchGroup", 28, 4, "plain" },
    { "portcullis.selfMatchOff", 32, 1, "plain" },
    { "portcullis.suspense", 33, 1, "plain" },
    { "portcullis.name.char24", 36, 24, "text" },
} }
messages[128] = { "Permit", 68, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.scopeId", 20, 4, "plain" },
    { "portcullis.selectorId", 24, 4, "plain" },
    { "portcullis.scope", 28, 1, "plain" },
    { "portcullis.selector", 29, 1, "plain" },
    { "portcullis.ordType", 30, 1, "plain", "255" },
    { "portcullis.allow", 31, 1, "plain" },
    { "portcullis.reason.char32", 32, 32, "text" },
} }
messages[129] = { "PositionLoad", 52, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.batchId", 20, 8, "plain" },
    { "portcullis.qty", 28, 8, "e8", "-9223372036854775808" },
    { "portcullis.businessDate", 36, 4, "plain" },
    { "portcullis.account", 40, 4, "plain" },
    { "portcullis.instrumentId", 44, 4, "plain" },
    { "portcullis.last", 48, 1, "plain" },
} }
messages[130] = { "DayOpen", 28, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.businessDate", 20, 4, "plain" },
} }
messages[131] = { "DayRoll", 28, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.businessDate", 20, 4, "plain" },
} }
messages[132] = { "Reconcile", 76, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.orderId", 20, 8, "plain" },
    { "portcullis.leavesQty", 28, 8, "e8" },
    { "portcullis.what.ReconcileWhat", 36, 1, "plain" },
    { "portcullis.reason.char32", 44, 32, "text" },
} }
messages[133] = { "Adjust", 108, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.adjustId", 20, 8, "plain" },
    { "portcullis.qty", 28, 8, "e8", "-9223372036854775808" },
    { "portcullis.numerator", 36, 4, "plain" },
    { "portcullis.denominator", 40, 4, "plain" },
    { "portcullis.account", 44, 4, "plain", "4294967295" },
    { "portcullis.instrumentId", 48, 4, "plain" },
    { "portcullis.kind", 52, 1, "plain" },
    { "portcullis.approver", 60, 16, "text" },
    { "portcullis.reason.char32", 76, 32, "text" },
} }
messages[134] = { "LocateLoad", 44, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.qty", 20, 8, "e8" },
    { "portcullis.account", 28, 4, "plain" },
    { "portcullis.instrumentId", 32, 4, "plain" },
    { "portcullis.businessDate", 36, 4, "plain" },
    { "portcullis.what.LocateWhat", 40, 1, "plain" },
} }
messages[135] = { "CashLoad", 44, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.amount", 20, 8, "e4" },
    { "portcullis.account", 28, 4, "plain" },
    { "portcullis.currency", 32, 4, "text" },
    { "portcullis.businessDate", 36, 4, "plain" },
} }
messages[136] = { "Propose", 116, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.value", 20, 8, "plain", "-9223372036854775808" },
    { "portcullis.windowNs", 28, 8, "plain" },
    { "portcullis.limitExpiresAt", 36, 8, "time" },
    { "portcullis.expiresAt", 44, 8, "time" },
    { "portcullis.expectedVersion", 52, 4, "plain" },
    { "portcullis.scopeId", 56, 4, "plain" },
    { "portcullis.selectorId", 60, 4, "plain" },
    { "portcullis.deskId", 64, 4, "plain" },
    { "portcullis.what.ProposalKind", 68, 1, "plain" },
    { "portcullis.scope", 69, 1, "plain", "255" },
    { "portcullis.limitKind", 70, 1, "plain", "255" },
    { "portcullis.selector", 71, 1, "plain", "255" },
    { "portcullis.unit", 72, 1, "plain", "255" },
    { "portcullis.mode", 73, 1, "plain", "255" },
    { "portcullis.state", 74, 1, "plain", "255" },
    { "portcullis.warn1", 75, 1, "plain" },
    { "portcullis.warn2", 76, 1, "plain" },
    { "portcullis.warn3", 77, 1, "plain" },
    { "portcullis.reason.char32", 80, 32, "text" },
} }
messages[137] = { "Approve", 60, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.proposalId", 20, 4, "plain" },
    { "portcullis.action", 24, 1, "plain" },
    { "portcullis.reason.char32", 28, 32, "text" },
} }
messages[138] = { "MmpReset", 28, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.account", 20, 4, "plain" },
    { "portcullis.productGroup", 24, 4, "plain" },
} }
messages[139] = { "AdvanceTime", 28, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.time", 20, 8, "time" },
} }
messages[140] = { "SetTwoPerson", 60, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.requestId", 12, 8, "plain" },
    { "portcullis.on", 20, 1, "plain" },
    { "portcullis.reason.char32", 24, 32, "text" },
} }
messages[200] = { "OrderAccepted", 52, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.clOrdId", 28, 8, "plain" },
    { "portcullis.orderId", 36, 8, "plain" },
    { "portcullis.decisionNanos", 44, 4, "plain", "4294967295" },
    { "portcullis.utilBps", 48, 2, "plain", "65535" },
    { "portcullis.utilLimitKind", 50, 1, "plain", "255" },
    { "portcullis.utilScope", 51, 1, "plain", "255" },
} }
messages[201] = { "OrderRejected", 76, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.clOrdId", 28, 8, "plain" },
    { "portcullis.limitValue", 36, 8, "plain", "-9223372036854775808" },
    { "portcullis.observedValue", 44, 8, "plain", "-9223372036854775808" },
    { "portcullis.code", 52, 2, "plain" },
    { "portcullis.refTemplateId.uInt8", 54, 1, "plain" },
    { "portcullis.limitScope", 55, 1, "plain", "255" },
    { "portcullis.scopeId", 56, 4, "plain", "4294967295" },
    { "portcullis.limitVersion", 60, 4, "plain", "4294967295" },
    { "portcullis.limitKind", 64, 1, "plain", "255" },
    { "portcullis.orderId", 68, 8, "plain" },
} }
messages[202] = { "OrderReplaced", 60, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.clOrdId", 28, 8, "plain" },
    { "portcullis.origClOrdId", 36, 8, "plain" },
    { "portcullis.orderId", 44, 8, "plain" },
    { "portcullis.leavesQty", 52, 8, "e8" },
} }
messages[203] = { "OrderCancelled", 68, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.clOrdId", 28, 8, "plain" },
    { "portcullis.origClOrdId", 36, 8, "plain" },
    { "portcullis.orderId", 44, 8, "plain" },
    { "portcullis.cancelledQty", 52, 8, "e8" },
    { "portcullis.reason.CancelReason", 60, 1, "plain" },
} }
messages[204] = { "OrderFilled", 116, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.clOrdId", 28, 8, "plain" },
    { "portcullis.orderId", 36, 8, "plain" },
    { "portcullis.execId", 44, 8, "plain" },
    { "portcullis.lastPx", 52, 8, "e8" },
    { "portcullis.lastQty", 60, 8, "e8" },
    { "portcullis.leavesQty", 68, 8, "e8" },
    { "portcullis.cumQty", 76, 8, "e8" },
    { "portcullis.netPosition", 84, 8, "e8" },
    { "portcullis.account", 92, 4, "plain" },
    { "portcullis.instrumentId", 96, 4, "plain" },
    { "portcullis.execType", 100, 1, "plain" },
    { "portcullis.side", 101, 1, "plain" },
    { "portcullis.liquidity", 102, 1, "plain" },
    { "portcullis.venueId", 104, 2, "plain" },
    { "portcullis.newExecId", 108, 8, "plain" },
} }
messages[205] = { "MassCancelReport", 52, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.clOrdId", 28, 8, "plain" },
    { "portcullis.requested", 36, 4, "plain" },
    { "portcullis.outstanding", 40, 4, "plain" },
    { "portcullis.code", 44, 2, "plain" },
} }
messages[206] = { "BusinessReject", 52, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.refSeqNo", 28, 8, "plain" },
    { "portcullis.refId", 36, 8, "plain" },
    { "portcullis.code", 44, 2, "plain" },
    { "portcullis.refTemplateId.uInt16", 46, 2, "plain" },
    { "portcullis.fieldOffset", 48, 2, "plain", "65535" },
} }
messages[207] = { "NotApplied", 44, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.fromSeqNo", 28, 8, "plain" },
    { "portcullis.count.uInt64", 36, 8, "plain" },
} }
messages[210] = { "RiskEvent", 124, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.oldValue", 28, 8, "plain", "-9223372036854775808" },
    { "portcullis.newValue", 36, 8, "plain", "-9223372036854775808" },
    { "portcullis.refId", 44, 8, "plain" },
    { "portcullis.actor", 52, 4, "plain" },
    { "portcullis.scopeId", 56, 4, "plain", "4294967295" },
    { "portcullis.instrumentId", 60, 4, "plain", "4294967295" },
    { "portcullis.event", 64, 1, "plain" },
    { "portcullis.scope", 65, 1, "plain", "255" },
    { "portcullis.limitKind", 66, 1, "plain", "255" },
    { "portcullis.severity", 67, 1, "plain" },
    { "portcullis.reason.char32", 68, 32, "text" },
    { "portcullis.selector", 100, 1, "plain", "255" },
    { "portcullis.selectorId", 104, 4, "plain", "4294967295" },
    { "portcullis.version", 108, 4, "plain" },
    { "portcullis.expiresAt", 116, 8, "time" },
} }
messages[211] = { "PositionReport", 132, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.netQty", 36, 8, "e8" },
    { "portcullis.openBuyQty", 44, 8, "e8" },
    { "portcullis.openSellQty", 52, 8, "e8" },
    { "portcullis.avgPx", 60, 8, "e8", "-9223372036854775808" },
    { "portcullis.notional", 68, 8, "e4" },
    { "portcullis.dayPnl", 76, 8, "e4", "-9223372036854775808" },
    { "portcullis.realisedPnl", 84, 8, "e4", "-9223372036854775808" },
    { "portcullis.unrealisedPnl", 92, 8, "e4", "-9223372036854775808" },
    { "portcullis.scopeId", 116, 4, "plain" },
    { "portcullis.instrumentId", 120, 4, "plain" },
    { "portcullis.scope", 124, 1, "plain" },
    { "portcullis.fxVersion", 128, 4, "plain" },
} }
messages[212] = { "AdminAck", 60, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.cursor", 36, 8, "plain" },
    { "portcullis.newVersion", 44, 4, "plain" },
    { "portcullis.count.uInt32", 48, 4, "plain" },
    { "portcullis.code", 52, 2, "plain" },
    { "portcullis.refTemplateId.uInt16", 54, 2, "plain" },
} }
messages[213] = { "LimitReport", 92, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.value", 36, 8, "plain" },
    { "portcullis.used", 44, 8, "plain", "-9223372036854775808" },
    { "portcullis.windowNs", 52, 8, "plain" },
    { "portcullis.expiresAt", 60, 8, "time" },
    { "portcullis.scopeId", 68, 4, "plain" },
    { "portcullis.selectorId", 72, 4, "plain" },
    { "portcullis.version", 76, 4, "plain" },
    { "portcullis.scope", 80, 1, "plain" },
    { "portcullis.limitKind", 81, 1, "plain" },
    { "portcullis.selector", 82, 1, "plain" },
    { "portcullis.mode", 83, 1, "plain" },
    { "portcullis.unit", 84, 1, "plain" },
    { "portcullis.warn1", 85, 1, "plain" },
    { "portcullis.warn2", 86, 1, "plain" },
    { "portcullis.warn3", 87, 1, "plain" },
} }
messages[214] = { "OpenOrderReport", 116, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.orderId", 36, 8, "plain" },
    { "portcullis.clOrdId", 44, 8, "plain" },
    { "portcullis.price", 52, 8, "e8", "-9223372036854775808" },
    { "portcullis.qty", 60, 8, "e8" },
    { "portcullis.leavesQty", 68, 8, "e8" },
    { "portcullis.cumQty", 76, 8, "e8" },
    { "portcullis.account", 100, 4, "plain" },
    { "portcullis.instrumentId", 104, 4, "plain" },
    { "portcullis.sessionId", 108, 4, "plain" },
    { "portcullis.traderId", 112, 2, "plain" },
    { "portcullis.side", 114, 1, "plain" },
    { "portcullis.status", 115, 1, "plain" },
} }
messages[215] = { "StateReport", 60, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.scopeId", 36, 4, "plain" },
    { "portcullis.version", 40, 4, "plain" },
    { "portcullis.businessDate", 44, 4, "plain" },
    { "portcullis.scope", 48, 1, "plain" },
    { "portcullis.state", 49, 1, "plain" },
    { "portcullis.breached", 50, 1, "plain" },
    { "portcullis.restricted", 51, 1, "plain" },
    { "portcullis.ready", 52, 1, "plain" },
    { "portcullis.twoPerson", 53, 1, "plain" },
} }
messages[216] = { "SessionReport", 92, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.lastAppliedSeqNo", 36, 8, "plain" },
    { "portcullis.nextSeqNo", 44, 8, "plain" },
    { "portcullis.clOrdIdMark", 52, 8, "plain" },
    { "portcullis.sessionId", 60, 4, "plain" },
    { "portcullis.keyId", 64, 4, "plain" },
    { "portcullis.role", 68, 1, "plain" },
    { "portcullis.topology", 69, 1, "plain" },
    { "portcullis.up", 70, 1, "plain" },
    { "portcullis.codMode", 71, 1, "plain" },
    { "portcullis.venueId", 72, 2, "plain" },
    { "portcullis.name.char16", 76, 16, "text" },
} }
messages[217] = { "RoomReport", 76, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.maxBuy", 36, 8, "e8" },
    { "portcullis.maxSell", 44, 8, "e8" },
    { "portcullis.price", 52, 8, "e8", "-9223372036854775808" },
    { "portcullis.account", 60, 4, "plain" },
    { "portcullis.instrumentId", 64, 4, "plain" },
    { "portcullis.buyCode", 68, 2, "plain" },
    { "portcullis.sellCode", 70, 2, "plain" },
    { "portcullis.traderId", 72, 2, "plain" },
} }
messages[218] = { "ProposalReport", 156, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.requestId", 28, 8, "plain" },
    { "portcullis.value", 36, 8, "plain", "-9223372036854775808" },
    { "portcullis.windowNs", 44, 8, "plain" },
    { "portcullis.limitExpiresAt", 52, 8, "time" },
    { "portcullis.proposedAt", 60, 8, "time" },
    { "portcullis.expiresAt", 68, 8, "time" },
    { "portcullis.proposalId", 76, 4, "plain" },
    { "portcullis.expectedVersion", 80, 4, "plain" },
    { "portcullis.scopeId", 84, 4, "plain" },
    { "portcullis.selectorId", 88, 4, "plain" },
    { "portcullis.deskId", 92, 4, "plain" },
    { "portcullis.sessionId", 96, 4, "plain" },
    { "portcullis.what.ProposalKind", 100, 1, "plain" },
    { "portcullis.scope", 101, 1, "plain", "255" },
    { "portcullis.limitKind", 102, 1, "plain", "255" },
    { "portcullis.selector", 103, 1, "plain", "255" },
    { "portcullis.unit", 104, 1, "plain", "255" },
    { "portcullis.mode", 105, 1, "plain", "255" },
    { "portcullis.state", 106, 1, "plain", "255" },
    { "portcullis.person", 108, 16, "text" },
    { "portcullis.reason.char32", 124, 32, "text" },
} }
messages[220] = { "RoutedOrder", 84, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.orderId", 28, 8, "plain" },
    { "portcullis.clOrdId", 36, 8, "plain" },
    { "portcullis.price", 44, 8, "e8", "-9223372036854775808" },
    { "portcullis.qty", 52, 8, "e8" },
    { "portcullis.account", 60, 4, "plain" },
    { "portcullis.instrumentId", 64, 4, "plain" },
    { "portcullis.orderSessionId", 68, 4, "plain" },
    { "portcullis.traderId", 72, 2, "plain" },
    { "portcullis.strategyId", 74, 2, "plain" },
    { "portcullis.side", 76, 1, "plain" },
    { "portcullis.ordType", 77, 1, "plain" },
    { "portcullis.tif", 78, 1, "plain" },
    { "portcullis.capacity", 79, 1, "plain" },
} }
messages[221] = { "RoutedReplace", 84, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.orderId", 28, 8, "plain" },
    { "portcullis.clOrdId", 36, 8, "plain" },
    { "portcullis.origClOrdId", 44, 8, "plain" },
    { "portcullis.price", 52, 8, "e8", "-9223372036854775808" },
    { "portcullis.qty", 60, 8, "e8" },
    { "portcullis.account", 68, 4, "plain" },
    { "portcullis.instrumentId", 72, 4, "plain" },
    { "portcullis.orderSessionId", 76, 4, "plain" },
    { "portcullis.side", 80, 1, "plain" },
    { "portcullis.ordType", 81, 1, "plain" },
} }
messages[222] = { "RoutedCancel", 68, {
    { "portcullis.flags", 0, 4, "plain" },
    { "portcullis.seqNo", 4, 8, "plain" },
    { "portcullis.engineSeq", 12, 8, "plain" },
    { "portcullis.engineTime", 20, 8, "time" },
    { "portcullis.orderId", 28, 8, "plain" },
    { "portcullis.clOrdId", 36, 8, "plain" },
    { "portcullis.origClOrdId", 44, 8, "plain" },
    { "portcullis.account", 52, 4, "plain" },
    { "portcullis.instrumentId", 56, 4, "plain" },
    { "portcullis.orderSessionId", 60, 4, "plain" },
    { "portcullis.side", 64, 1, "plain" },
    { "portcullis.reason.CancelReason", 65, 1, "plain" },
} }

-- What follows is written by hand: how the tables above are used.

local protocol = Proto("portcullis", "Portcullis order entry")
local header = {
    length = ProtoField.uint16("portcullis.length", "length", base.DEC),
    marker = ProtoField.uint16("portcullis.marker", "marker", base.HEX),
    blockLength = ProtoField.uint16("portcullis.blockLength", "blockLength", base.DEC),
    templateId = ProtoField.uint16("portcullis.templateId", "templateId", base.DEC),
    schemaId = ProtoField.uint16("portcullis.schemaId", "schemaId", base.DEC),
    version = ProtoField.uint16("portcullis.schemaVersion", "version", base.DEC),
}
local all = {}
for _, field in pairs(header) do all[#all + 1] = field end
for _, field in pairs(fields) do all[#all + 1] = field end
protocol.fields = all

local wrong = ProtoExpert.new("portcullis.wrong", "Not as the protocol says", expert.group.MALFORMED, expert.severity.ERROR)
protocol.experts = { wrong }

-- An integer of 10 to the power of -digits as text: "10125000000", 8 is "101.25".
local function decimal(text, digits)
    local sign, number = text:match("^(-?)(%d+)$")
    number = string.rep("0", digits + 1 - #number) .. number
    local whole, fraction = number:sub(1, -digits - 1), number:sub(-digits):gsub("0+$", "")
    return sign .. whole .. (fraction ~= "" and "." .. fraction or "")
end

-- Nanoseconds since 1970 as text.
local function instant(text)
    if #text <= 9 then return text .. " ns" end
    return os.date("!%Y-%m-%dT%H:%M:%S", tonumber(text:sub(1, -10))) .. "." .. text:sub(-9) .. "Z"
end

local function add_field(tree, block, of)
    local name, offset, size, how, null = of[1], of[2], of[3], of[4], of[5]
    local range = block(offset, size)
    if how == "text" then
        tree:add(fields[name], range, (range:string():gsub("%z+$", "")))
        return
    end
    local item = tree:add_le(fields[name], range)
    local value
    if how == "e8" or how == "e4" then
        value = tostring(range:le_int64())
    elseif size == 8 then
        value = tostring(null == "-9223372036854775808" and range:le_int64() or range:le_uint64())
    else
        value = tostring(range:le_uint())
    end
    if null and value == null then
        if size > 1 then item:append_text(" (null)") end
    elseif how == "e8" then
        item:append_text(" (" .. decimal(value, 8) .. ")")
    elseif how == "e4" then
        item:append_text(" (" .. decimal(value, 4) .. ")")
    elseif how == "time" and value ~= "0" then
        item:append_text(" (" .. instant(value) .. ")")
    end
end

local function dissect_frame(frame, packet, root)
    packet.cols.protocol = "Portcullis"
    local message = messages[frame(6, 2):le_uint()]
    local title = message and message[1] or "unknown template " .. frame(6, 2):le_uint()
    local tree = root:add(protocol, frame(), "Portcullis " .. title)
    for at, name in ipairs({ "length", "marker", "blockLength", "templateId", "schemaId", "version" }) do
        tree:add_le(header[name], frame(2 * at - 2, 2))
    end
    if frame(2, 2):le_uint() ~= MARKER or frame(8, 2):le_uint() ~= SCHEMA_ID then
        tree:add_proto_expert_info(wrong, "the marker or the schema id is another one")
        return frame:len()
    end
    if packet.cols.info and tostring(packet.cols.info):find("^%u") then
        packet.cols.info:append(", " .. title)
    else
        packet.cols.info = title
    end
    if message then
        local block = frame(12)
        if block:len() < message[2] then
            tree:add_proto_expert_info(wrong, "the block is shorter than version 0 of " .. title)
            return frame:len()
        end
        local root_block = block:tvb()
        for _, of in ipairs(message[3]) do add_field(tree, root_block, of) end
    end
    return frame:len()
end

local function frame_length(buffer, _, offset)
    local length = buffer(offset, 2):le_uint()
    -- What can't be a frame is taken whole, and said to be wrong.
    if length < 12 or length > LONGEST then return buffer:len() - offset end
    return length
end

function protocol.dissector(buffer, packet, root)
    dissect_tcp_pdus(buffer, root, 4, frame_length, dissect_frame)
    return buffer:len()
end

DissectorTable.get("tcp.port"):add(7201, protocol)

-- Any other port is recognised by its first frame.
protocol:register_heuristic("tcp", function(buffer, packet, root)
    if buffer:len() < 12 or buffer(2, 2):le_uint() ~= MARKER or buffer(8, 2):le_uint() ~= SCHEMA_ID then
        return false
    end
    packet.conversation = protocol
    protocol.dissector(buffer, packet, root)
    return true
end)
