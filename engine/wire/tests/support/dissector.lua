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
