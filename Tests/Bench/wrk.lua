-- Sends prepared requests in turn and looks whether each answer is its own: nginx gives `X-Bench-Expect` back,
-- and the body must hold it. The same for every server that is measured.
-- usage: wrk -s wrk.lua … -- FILE; the file returns { mark =, status =, requests = { { method =, path =, headers =,
-- body = }, … } }. A mark is a text that becomes another number in each request. Prints a line of JSON at the end.

local threads, find = {}, string.find

function setup(thread)
    table.insert(threads, thread)
    thread:set("number", #threads)
end

function init(words)
    local plan = dofile(words[1])
    status, sent, wrong, sample = plan.status, 0, 0, ""
    -- Each thread begins elsewhere, so that they do not ask for the same account all the time.
    local first = number * 397
    request = plan.mark and marked(plan, first) or unchanged(plan, first)
end

function unchanged(plan, first)
    local requests = {}
    for index, it in ipairs(plan.requests) do
        requests[index] = wrk.format(it.method, it.path, it.headers, it.body)
    end
    return function()
        sent = sent + 1
        return requests[(first + sent) % #requests + 1]
    end
end

function marked(plan, first)
    local requests = {}
    for index, it in ipairs(plan.requests) do
        local parts, start = {}, 1
        local raw = wrk.format(it.method, it.path, it.headers, it.body)
        for from, to in function() return find(raw, plan.mark, start, true) end do
            table.insert(parts, raw:sub(start, from - 1))
            start = to + 1
        end
        table.insert(parts, raw:sub(start))
        requests[index] = parts
    end
    -- As long as the mark, so that the length of the body stays the same.
    local pattern = "%d%0" .. #plan.mark - 1 .. "d"
    return function()
        sent = sent + 1
        return table.concat(requests[(first + sent) % #requests + 1], string.format(pattern, number, sent))
    end
end

function request() end -- until then; without it wrk asks for the same all the time

function response(code, headers, body)
    local expected = headers["X-Bench-Expect"]
    if code ~= status or not expected or not find(body, expected, 1, true) then
        wrong = wrong + 1
        if wrong == 1 then sample = code .. " to " .. tostring(expected) .. ": " .. body end
    end
end

function done(summary, latency)
    local errors, wrong = summary.errors, 0
    for _, thread in ipairs(threads) do
        wrong = wrong + thread:get("wrong")
        if thread:get("sample") ~= "" then io.stderr:write("wrk: answered ", thread:get("sample"), "\n") end
    end
    io.write(string.format(
        '\n{"seconds": %f, "requests": %d, "wrong": %d, "broken": %d, "late": %d, "p50": %f, "p99": %f}\n',
        summary.duration / 1e6, summary.requests, wrong, errors.connect + errors.read + errors.write, errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
