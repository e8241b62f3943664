//! Columns of `show stat`, in the order in which HAProxy 3.4 prints them.
//!
//! Older releases print their columns in the same order: no release has removed or moved a column,
//! only inserted new ones.
//!
//! Form of an entry: accessor = "name", type, unit, nature, first release, kinds of row with the
//! merge rule of each, description. `F`, `L`, `S` and `B` stand for frontend, listener, server and
//! backend.

use super::{Column, Field, HIDDEN_FROM_USERS, Nature, RowKind, Rule, Unit, ValueType, positions};

/// Calls `$callback!` with the whole table.
macro_rules! for_each_column {
    ($callback:ident $(, $argument:tt)*) => {
        $callback! {
            $($argument)*
            pxname = "pxname", Text, None, Name, "2.2", [F L S B] Identity,
                "Name of the proxy.";
            svname = "svname", Text, None, Name, "2.2", [F L S B] Identity,
                "`FRONTEND` or `BACKEND`, or the name of the server or listener; a server may also be \
                 called `BACKEND`, so only `type` tells rows apart.";
            qcur = "qcur", U32, Count, Gauge, "2.2", [S B] Sum,
                "Requests waiting in the queue now; on a backend, only requests not yet assigned to a \
                 server.";
            qmax = "qmax", U32, Count, Max, "2.2", [S B] Range,
                "Most requests that waited in the queue at one time.";
            scur = "scur", U32, Count, Gauge, "2.2", [F L S B] Sum,
                "Sessions open now; on a listener, connections.";
            smax = "smax", U32, Count, Max, "2.2", [F L S B] Range,
                "Most sessions that were open at one time.";
            slim = "slim", U32, Count, Limit, "2.2", [F L S] Limit [B] Same,
                "Highest number of sessions allowed at a time (`maxconn`); on a backend, its `fullconn`, \
                 which by itself limits nothing.";
            stot = "stot", U64, Count, Counter, "2.2", [F L S B] Sum,
                "Sessions so far; on a listener of 2.2 and 2.6, all accepted connections, including \
                 failed TLS handshakes.";
            bin = "bin", U64, Bytes, Counter, "2.2", [F L S B] Sum,
                "Bytes of requests in HAProxy's internal form, which is not exactly the number of bytes \
                 on the wire.";
            bout = "bout", U64, Bytes, Counter, "2.2", [F L S B] Sum,
                "Bytes of responses in HAProxy's internal form; 3.4 excludes its own error pages and the \
                 answers of `deny` and `return`.";
            dreq = "dreq", U64, Count, Counter, "2.2", [F L B] Sum,
                "Requests refused by a rule, such as `http-request deny` or `tcp-request content reject`.";
            dresp = "dresp", U64, Count, Counter, "2.2", [F L S B] Sum,
                "Responses blocked by a rule, such as `http-response deny` or `tcp-response content reject`.";
            ereq = "ereq", U64, Count, Counter, "2.2", [F L] Sum,
                "Requests that were invalid or incomplete: syntax errors, clients that disconnected or \
                 were too slow, tarpit.";
            econ = "econ", U64, Count, Counter, "2.2", [S B] Sum,
                "Requests that could not connect to a server; on a backend, also requests for which no \
                 server was available.";
            eresp = "eresp", U64, Count, Counter, "2.2", [S B] Sum,
                "Responses that failed: invalid, cut short by the server, or failed in a filter.";
            wretr = "wretr", U64, Count, Counter, "2.2", [S B] Sum,
                "Times a connection to a server was retried.";
            wredis = "wredis", U64, Count, Counter, "2.2", [S B] Sum,
                "Times a request was redispatched to another server; on a server, the times it was moved \
                 away from it.";
            status = "status", Status, None, Gauge, "2.2", [F L S B] Same,
                "Current state: a word, sometimes with details after it, such as `UP 1/3` or \
                 `MAINT (via be/srv)`.";
            weight = "weight", U32, Count, Average, "2.2", [S B] Same,
                "Effective weight, including slow start and agent; 3.2 and older print 1 from \
                 `add server` until the server is enabled.";
            act = "act", U32, Count, Gauge, "2.2", [S B] Same,
                "Usable active servers; on a server, 1 if it is not configured as a backup, even while it \
                 is down.";
            bck = "bck", U32, Count, Gauge, "2.2", [S B] Same,
                "Usable backup servers; on a server, 1 if it is configured as a backup, even while it is \
                 down.";
            chkfail = "chkfail", U64, Count, Counter, "2.2", [S] Max,
                "Health checks that failed while the server was up; empty for a server without checks.";
            chkdown = "chkdown", U64, Count, Counter, "2.2", [S B] Max,
                "Changes from up to down; on a backend, the changes of the whole backend, not the sum of \
                 its servers'.";
            lastchg = "lastchg", U32, Seconds, Age, "2.2", [S B] Min,
                "Time since the last change of state, or since the start if the state never changed.";
            downtime = "downtime", U32, Seconds, Counter, "2.2", [S B] Max,
                "Total time spent down; on a backend, the time without any usable server; empty for a \
                 server without checks.";
            qlimit = "qlimit", U32, Count, Gauge, "2.2", [S] Limit,
                "Highest number of requests that may wait for the server (`maxqueue`).";
            pid = "pid", U32, Code, Gauge, "2.2", [F L S B] PerProcess,
                "Number of the process within an HAProxy that runs several (`nbproc`), otherwise 1; this \
                 is not the system's process id.";
            iid = "iid", U32, Code, Gauge, "2.2", [F L S B] Same,
                "Number of the proxy, from `id` or its position in the configuration; a reload may change \
                 it.";
            sid = "sid", U32, Code, Gauge, "2.2", [F S B] Same [L] PerProcess,
                "Number of the server within its backend or of the listener within its frontend; \
                 0 on frontends and backends.";
            throttle = "throttle", U32, Percent, Average, "2.2", [S] Min,
                "Share of weight and `maxconn` that slow start currently allows; empty means 100 %.";
            lbtot = "lbtot", U64, Count, Counter, "2.2", [S B] Sum,
                "Times load balancing chose a server; requests bound to a server by persistence or taken \
                 from a queue are not counted.";
            tracked = "tracked", Text, None, Name, "2.2", [S] SameOrEmpty,
                "Server that this one tracks, as `backend/server`; empty without `track`.";
            kind_code = "type", U32, Code, Gauge, "2.2", [F L S B] Identity,
                "Kind of the row: 0 frontend, 1 backend, 2 server, 3 listener.";
            rate = "rate", U32, PerSecond, Rate, "2.2", [F S B] Sum,
                "Sessions in the last second; requests on servers and backends.";
            rate_lim = "rate_lim", U32, PerSecond, Limit, "2.2", [F] Limit,
                "Sessions a frontend accepts in a second (`rate-limit sessions`).";
            rate_max = "rate_max", U32, PerSecond, Max, "2.2", [F S B] Range,
                "Most sessions in one second; requests on servers and backends.";
            check_status = "check_status", Check, None, Output, "2.2", [S] SameOrEmpty,
                "Result of the last health check, with `* ` in front while the next one is running; empty \
                 without checks, and in maintenance.";
            check_code = "check_code", U32, Code, Output, "2.2", [S] Same,
                "Status code that the server answered to the last health check; empty if the check got no \
                 such answer.";
            check_duration = "check_duration", U64, Milliseconds, Duration, "2.2", [S] Max,
                "Duration of the last health check.";
            hrsp_1xx = "hrsp_1xx", U64, Count, Counter, "2.2", [F S B] Sum,
                "Responses with status 100 to 199; empty outside `mode http`.";
            hrsp_2xx = "hrsp_2xx", U64, Count, Counter, "2.2", [F S B] Sum,
                "Responses with status 200 to 299; empty outside `mode http`.";
            hrsp_3xx = "hrsp_3xx", U64, Count, Counter, "2.2", [F S B] Sum,
                "Responses with status 300 to 399; empty outside `mode http`.";
            hrsp_4xx = "hrsp_4xx", U64, Count, Counter, "2.2", [F S B] Sum,
                "Responses with status 400 to 499, including those made by HAProxy itself; empty outside \
                 `mode http`.";
            hrsp_5xx = "hrsp_5xx", U64, Count, Counter, "2.2", [F S B] Sum,
                "Responses with status 500 to 599, including those made by HAProxy itself; empty outside \
                 `mode http`.";
            hrsp_other = "hrsp_other", U64, Count, Counter, "2.2", [F S B] Sum,
                "Responses with another status or none, including requests that ended without a response; \
                 empty outside `mode http`.";
            hanafail = "hanafail", U64, Count, Counter, "2.2", [S] Sum,
                "Times that errors seen in traffic (`observe`) reached `error-limit`; \
                 empty for a server without `observe`.";
            req_rate = "req_rate", U32, PerSecond, Rate, "2.2", [F] Sum,
                "HTTP requests in the last second.";
            req_rate_max = "req_rate_max", U32, PerSecond, Max, "2.2", [F] Range,
                "Most HTTP requests in one second.";
            req_tot = "req_tot", U64, Count, Counter, "2.2", [F S B] Sum,
                "HTTP requests; in `mode tcp`, 0 on frontends and empty on other rows: `stot` counts the \
                 sessions.";
            cli_abrt = "cli_abrt", U64, Count, Counter, "2.2", [S B] Sum,
                "Requests or transfers aborted by the client.";
            srv_abrt = "srv_abrt", U64, Count, Counter, "2.2", [S B] Sum,
                "Requests or transfers aborted by the server; `eresp` counts them too.";
            comp_in = "comp_in", U64, Bytes, Counter, "2.2", [F B] Sum,
                "Response bytes handed to the HTTP compressor.";
            comp_out = "comp_out", U64, Bytes, Counter, "2.2", [F B] Sum,
                "Response bytes that came out of the HTTP compressor.";
            comp_byp = "comp_byp", U64, Bytes, Counter, "2.2", [F B] Sum,
                "Response bytes left uncompressed because a limit on CPU, memory or bandwidth was reached.";
            comp_rsp = "comp_rsp", U64, Count, Counter, "2.2", [F B] Sum,
                "Responses that were compressed.";
            lastsess = "lastsess", I32, Seconds, Age, "2.2", [S B] Min,
                "Time since the last session, or -1 if there was none.";
            last_chk = "last_chk", Text, None, Output, "2.2", [S] SameOrEmpty,
                "Details of the last health check: part of the answer, or the error in words.";
            last_agt = "last_agt", Text, None, Output, "2.2", [S] SameOrEmpty,
                "Details of the last agent check: part of the answer, or the error in words.";
            qtime = "qtime", U32, Milliseconds, Average, "2.2", [S B] Mean,
                "Time in the queue: mean of the last 1024 requests, even if they are long ago.";
            ctime = "ctime", U32, Milliseconds, Average, "2.2", [S B] Mean,
                "Time until a server accepted the connection: mean of the last 1024 requests, even if \
                 they are long ago.";
            rtime = "rtime", U32, Milliseconds, Average, "2.2", [S B] Mean,
                "Time until the response began: mean of the last 1024 requests, even if they are long \
                 ago; 0 in `mode tcp`.";
            ttime = "ttime", U32, Milliseconds, Average, "2.2", [S B] Mean,
                "Time from the request to the end of the session: mean of the last 1024 requests, even if \
                 they are long ago.";
            agent_status = "agent_status", Check, None, Output, "2.2", [S] SameOrEmpty,
                "Result of the last agent check, with `* ` in front while the next one is running; empty \
                 without an agent.";
            agent_code = "agent_code", U32, Code, Output, "2.2", [S] Same,
                "Status code of the last agent check; agents send no status code, so this is 0 or empty.";
            agent_duration = "agent_duration", U64, Milliseconds, Duration, "2.2", [S] Max,
                "Duration of the last agent check.";
            check_desc = "check_desc", Text, None, Output, "2.2", [S] Same,
                "Result of the last health check in HAProxy's words, such as `Layer4 check passed`.";
            agent_desc = "agent_desc", Text, None, Output, "2.2", [S] Same,
                "Result of the last agent check in HAProxy's words, such as `Layer7 check passed`.";
            check_rise = "check_rise", U32, Count, Gauge, "2.2", [S] Same,
                "Consecutive health checks that must pass before a server that is down becomes up (`rise`).";
            check_fall = "check_fall", U32, Count, Gauge, "2.2", [S] Same,
                "Consecutive health checks that must fail before a server that is up becomes down (`fall`).";
            check_health = "check_health", U32, Count, Gauge, "2.2", [S] Same,
                "Score of the health checks, from 0 to `check_rise` + `check_fall` - 1; the server is up \
                 if it is at least `check_rise`.";
            agent_rise = "agent_rise", U32, Count, Gauge, "2.2", [S] Same,
                "Consecutive agent checks that must pass before the agent's result becomes up.";
            agent_fall = "agent_fall", U32, Count, Gauge, "2.2", [S] Same,
                "Consecutive agent checks that must fail before the agent's result becomes down.";
            agent_health = "agent_health", U32, Count, Gauge, "2.2", [S] Same,
                "Score of the agent checks, from 0 to `agent_rise` + `agent_fall` - 1; the result is up \
                 if it is at least `agent_rise`.";
            addr = "addr", Text, None, Gauge, "2.2", [L S] SameOrEmpty,
                "Address and port, or `unix`; empty at level `user`, \
                 and until the server's name has been resolved.";
            cookie = "cookie", Text, None, Name, "2.2", [S B] SameOrEmpty,
                "Value of the server's persistence cookie; on a backend, the name of the cookie; empty \
                 without one, and at level `user`.";
            mode = "mode", Mode, None, Gauge, "2.2", [F L S B] Same,
                "Protocol of the proxy, such as `http` or `tcp`.";
            algo = "algo", Text, None, Gauge, "2.2", [B] Same,
                "Load balancing algorithm of a backend; empty at level `user`; 3.4 prints `unknown` if no \
                 `balance` is configured.";
            conn_rate = "conn_rate", U32, PerSecond, Rate, "2.2", [F] Sum,
                "Connections accepted in the last second.";
            conn_rate_max = "conn_rate_max", U32, PerSecond, Max, "2.2", [F] Range,
                "Most connections accepted in one second.";
            conn_tot = "conn_tot", U64, Count, Counter, "2.2", [F L] Sum,
                "Connections accepted, including those that never became a session; on listeners since 3.0.";
            intercepted = "intercepted", U64, Count, Counter, "2.2", [F] Sum,
                "Requests that HAProxy answered itself by rule: redirects, statistics page, cached \
                 objects; denied requests are not included.";
            dcon = "dcon", U64, Count, Counter, "2.2", [F L] Sum,
                "Connections refused by a `tcp-request connection` rule.";
            dses = "dses", U64, Count, Counter, "2.2", [F L] Sum,
                "Sessions refused by a `tcp-request session` rule.";
            wrew = "wrew", U64, Count, Counter, "2.2", [F L S B] Sum,
                "Times a rule failed to rewrite a header, usually because the buffer was full.";
            connect = "connect", U64, Count, Counter, "2.2", [S B] Sum,
                "Attempts to open a connection to a server.";
            reuse = "reuse", U64, Count, Counter, "2.2", [S B] Sum,
                "Requests sent to a server over an existing connection.";
            cache_lookups = "cache_lookups", U64, Count, Counter, "2.2", [F B] Sum,
                "Requests looked up in the HTTP cache; empty outside `mode http`.";
            cache_hits = "cache_hits", U64, Count, Counter, "2.2", [F B] Sum,
                "Requests answered from the HTTP cache; empty outside `mode http`.";
            srv_icur = "srv_icur", U32, Count, Gauge, "2.2", [S] Sum,
                "Idle connections kept for future requests to the server.";
            src_ilim = "src_ilim", U32, Count, Limit, "2.2", [S] SameOrEmpty,
                "Highest number of idle connections the server may keep (`pool-max-conn`); empty means no \
                 limit, 0 means that none are kept.";
            qtime_max = "qtime_max", U32, Milliseconds, Max, "2.2", [S B] Max,
                "Longest time that a request spent in the queue.";
            ctime_max = "ctime_max", U32, Milliseconds, Max, "2.2", [S B] Max,
                "Longest time until a server accepted a connection.";
            rtime_max = "rtime_max", U32, Milliseconds, Max, "2.2", [S B] Max,
                "Longest time until a response began.";
            ttime_max = "ttime_max", U32, Milliseconds, Max, "2.2", [S B] Max,
                "Longest time from the request to the end of the session.";
            eint = "eint", U64, Count, Counter, "2.2", [F L S B] Sum,
                "Requests that failed inside HAProxy because of a lack of memory or a bug, not because of \
                 the client or server.";
            idle_conn_cur = "idle_conn_cur", U32, Count, Gauge, "2.2", [S] Sum,
                "Idle connections that are not yet known to survive a reuse (`http-reuse`).";
            safe_conn_cur = "safe_conn_cur", U32, Count, Gauge, "2.2", [S] Sum,
                "Idle connections that are known to survive a reuse (`http-reuse`).";
            used_conn_cur = "used_conn_cur", U32, Count, Gauge, "2.2", [S] Sum,
                "Connections to the server in use now.";
            need_conn_est = "need_conn_est", U32, Count, Gauge, "2.2", [S] Sum,
                "Connections that HAProxy expects the server to need soon; this estimate decides how many \
                 idle ones are kept.";
            uweight = "uweight", U32, Count, Average, "2.6", [S B] Same,
                "Weight set by configuration or command, without slow start; on a backend, the sum over \
                 its usable servers.";
            agg_server_status = "agg_server_status", U32, Count, Gauge, "2.6", [B] PerProcess,
                "Always 0 on the stats socket; only HAProxy's own Prometheus exporter fills it.";
            agg_server_check_status = "agg_server_check_status", U32, Count, Gauge, "2.6", [B] PerProcess,
                "Always 0 on the stats socket; older name of `agg_server_status`.";
            agg_check_status = "agg_check_status", U32, Count, Gauge, "2.6", [B] PerProcess,
                "Always 0 on the stats socket; only HAProxy's own Prometheus exporter fills it.";
            srid = "srid", U32, Code, Counter, "3.0", [S] Same,
                "Incarnation of `sid`, because a server added at run time may reuse the `sid` of a \
                 deleted one.";
            sess_other = "sess_other", U64, Count, Counter, "3.0", [F] Sum,
                "Sessions that did not use HTTP, such as all sessions in `mode tcp`; HAProxy calculates the \
                 number as `stot` without `h1sess`, `h2sess` and `h3sess`, so it falls by 1 when a \
                 session begins to use HTTP.";
            h1sess = "h1sess", U64, Count, Counter, "3.0", [F] Sum,
                "Sessions that used HTTP/1.";
            h2sess = "h2sess", U64, Count, Counter, "3.0", [F] Sum,
                "Sessions that used HTTP/2.";
            h3sess = "h3sess", U64, Count, Counter, "3.0", [F] Sum,
                "Sessions that used HTTP/3.";
            req_other = "req_other", U64, Count, Counter, "3.0", [F] Sum,
                "HTTP requests that arrived by a version other than HTTP/1, HTTP/2 and HTTP/3; almost \
                 always 0.";
            h1req = "h1req", U64, Count, Counter, "3.0", [F] Sum,
                "Requests that arrived by HTTP/1.";
            h2req = "h2req", U64, Count, Counter, "3.0", [F] Sum,
                "Requests that arrived by HTTP/2.";
            h3req = "h3req", U64, Count, Counter, "3.0", [F] Sum,
                "Requests that arrived by HTTP/3.";
            proto = "proto", Text, None, Gauge, "3.0", [L] Same,
                "Transport of the listener, such as `tcpv4` or `quic4`.";
            priv_idle_cur = "priv_idle_cur", U32, Count, Gauge, "3.4", [S] Sum,
                "Idle connections that belong to the session of one client and are not shared.";
            reqbin = "reqbin", U64, Bytes, Counter, "3.4", [F L S B] Sum,
                "Bytes of requests received from clients; 3.4 prints the same value as `bin`.";
            reqbout = "reqbout", U64, Bytes, Counter, "3.4", [F L S B] Sum,
                "Bytes of requests sent to servers, including changes by rules, excluding refused requests.";
            resbin = "resbin", U64, Bytes, Counter, "3.4", [F L S B] Sum,
                "Bytes of responses received from servers; 3.4 prints the same value as `bout`.";
            resbout = "resbout", U64, Bytes, Counter, "3.4", [F L S B] Sum,
                "Bytes of responses sent to clients, including HAProxy's own answers (3.4.7 counts error \
                 pages twice).";
            separator = "-", Text, None, Unseen, "2.6", [] PerProcess,
                "Separator between HAProxy's own columns and the columns of its modules; every row \
                 contains `-`.";

            // TLS
            ssl_sess = "ssl_sess", U64, Count, Counter, "2.6", [F L S B] Sum,
                "Full TLS handshakes; on servers and backends, handshakes with the server, including \
                 health checks.";
            ssl_reused_sess = "ssl_reused_sess", U64, Count, Counter, "2.6", [F L S B] Sum,
                "TLS handshakes that resumed an earlier session.";
            ssl_failed_handshake = "ssl_failed_handshake", U64, Count, Counter, "2.6", [F L S B] Sum,
                "TLS handshakes that failed.";
            ssl_ocsp_staple = "ssl_ocsp_staple", U64, Count, Counter, "3.2", [F L S B] Sum,
                "TLS handshakes in which a stapled OCSP response was sent.";
            ssl_failed_ocsp_staple = "ssl_failed_ocsp_staple", U64, Count, Counter, "3.2", [F L S B] Sum,
                "TLS handshakes without the stapled OCSP response because it had expired or was faulty.";

            // HTTP/3
            h3_data = "h3_data", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 DATA frames received.";
            h3_headers = "h3_headers", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 HEADERS frames received.";
            h3_cancel_push = "h3_cancel_push", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 `CANCEL_PUSH` frames received.";
            h3_push_promise = "h3_push_promise", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 `PUSH_PROMISE` frames received.";
            h3_max_push_id = "h3_max_push_id", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 `MAX_PUSH_ID` frames received.";
            h3_goaway = "h3_goaway", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 GOAWAY frames received.";
            h3_settings = "h3_settings", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 SETTINGS frames received.";
            h3_no_error = "h3_no_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_NO_ERROR`, which is the normal end.";
            h3_general_protocol_error = "h3_general_protocol_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_GENERAL_PROTOCOL_ERROR`, for a \
                 violation without its own code.";
            h3_internal_error = "h3_internal_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_INTERNAL_ERROR`, for an error inside \
                 the peer.";
            h3_stream_creation_error = "h3_stream_creation_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_STREAM_CREATION_ERROR`, for a stream \
                 that it did not accept.";
            h3_closed_critical_stream = "h3_closed_critical_stream", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_CLOSED_CRITICAL_STREAM`, for the loss \
                 of a stream that the connection requires.";
            h3_frame_unexpected = "h3_frame_unexpected", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_FRAME_UNEXPECTED`, for a frame that is \
                 not allowed at that point.";
            h3_frame_error = "h3_frame_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_FRAME_ERROR`, for a malformed frame.";
            h3_excessive_load = "h3_excessive_load", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_EXCESSIVE_LOAD`, for behaviour that \
                 wastes the peer's resources.";
            h3_id_error = "h3_id_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_ID_ERROR`, for a wrong stream or push id.";
            h3_settings_error = "h3_settings_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_SETTINGS_ERROR`, for faulty settings.";
            h3_missing_settings = "h3_missing_settings", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_MISSING_SETTINGS`, because the settings \
                 were not sent first.";
            h3_request_rejected = "h3_request_rejected", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_REQUEST_REJECTED`, \
                 for a request it did not process.";
            h3_request_cancelled = "h3_request_cancelled", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with \
                 `H3_REQUEST_CANCELLED`, for a request no longer wanted.";
            h3_request_incomplete = "h3_request_incomplete", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with \
                 `H3_REQUEST_INCOMPLETE`, for a request that ended early.";
            h3_message_error = "h3_message_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_MESSAGE_ERROR`, for a malformed message.";
            h3_connect_error = "h3_connect_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_CONNECT_ERROR`, for a failed CONNECT.";
            h3_version_fallback = "h3_version_fallback", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `H3_VERSION_FALLBACK`, \
                 asking for an older HTTP version.";
            pack_decompression_failed = "pack_decompression_failed", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `QPACK_DECOMPRESSION_FAILED`; HAProxy \
                 spells the column without `q`.";
            qpack_encoder_stream_error = "qpack_encoder_stream_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `QPACK_ENCODER_STREAM_ERROR`.";
            qpack_decoder_stream_error = "qpack_decoder_stream_error", U64, Count, Counter, "3.0", [F B] Sum,
                "HTTP/3 connections that the peer closed with `QPACK_DECODER_STREAM_ERROR`.";

            // QUIC
            quic_rxbuf_full = "quic_rxbuf_full", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC datagrams dropped because the receive buffer was full.";
            quic_dropped_pkt = "quic_dropped_pkt", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC packets dropped; most of them are added when their connection ends.";
            quic_dropped_pkt_bufoverrun = "quic_dropped_pkt_bufoverrun",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC packets dropped because of a lack of buffer space, added when their connection ends.";
            quic_dropped_parsing_pkt = "quic_dropped_parsing_pkt", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC packets dropped because they could not be parsed.";
            quic_socket_full = "quic_socket_full", U64, Count, Counter, "3.0", [F B] Sum,
                "Times the system's send buffer was full for a QUIC \
                 datagram (`EAGAIN`), added when the connection ends.";
            quic_sendto_err = "quic_sendto_err", U64, Count, Counter, "3.0", [F B] Sum,
                "Times the system refused a QUIC datagram for \
                 another reason, added when the connection ends.";
            quic_sendto_err_unknwn = "quic_sendto_err_unknwn", U64, Count, Counter, "3.0", [F B] Sum,
                "Times the system refused a QUIC datagram for a reason unknown to HAProxy, added when the \
                 connection ends.";
            quic_sent_pkt = "quic_sent_pkt", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC packets sent, added when their connection ends.";
            quic_lost_pkt = "quic_lost_pkt", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC packets sent and detected as lost, added when their connection ends.";
            quic_too_short_dgram = "quic_too_short_dgram", U64, Count, Counter, "3.0", [F B] Sum,
                "Datagrams dropped because they carried a QUIC Initial packet but fewer bytes than QUIC \
                 requires for it.";
            quic_retry_sent = "quic_retry_sent", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC Retry packets sent; they make a client prove its address.";
            quic_retry_validated = "quic_retry_validated", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC Retry tokens returned by clients that were valid.";
            quic_retry_error = "quic_retry_error", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC Retry tokens returned by clients that were invalid.";
            quic_half_open_conn = "quic_half_open_conn", U64, Count, Gauge, "3.0", [F B] Sum,
                "QUIC connections with a peer that has not proved its address yet.";
            quic_hdshk_fail = "quic_hdshk_fail", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC handshakes that failed.";
            quic_stless_rst_sent = "quic_stless_rst_sent", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC stateless resets sent, for packets of connections that HAProxy does not know.";
            quic_conn_migration_done = "quic_conn_migration_done", U64, Count, Counter, "3.0", [F B] Sum,
                "Times a QUIC client's change of address was followed, added when the connection ends.";
            quic_transp_err_no_error = "quic_transp_err_no_error", U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `NO_ERROR`.";
            quic_transp_err_internal_error = "quic_transp_err_internal_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `INTERNAL_ERROR`.";
            quic_transp_err_connection_refused = "quic_transp_err_connection_refused",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `CONNECTION_REFUSED`.";
            quic_transp_err_flow_control_error = "quic_transp_err_flow_control_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `FLOW_CONTROL_ERROR`.";
            quic_transp_err_stream_limit_error = "quic_transp_err_stream_limit_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `STREAM_LIMIT_ERROR`.";
            quic_transp_err_stream_state_error = "quic_transp_err_stream_state_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `STREAM_STATE_ERROR`.";
            quic_transp_err_final_size_error = "quic_transp_err_final_size_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `FINAL_SIZE_ERROR`.";
            quic_transp_err_frame_encoding_error = "quic_transp_err_frame_encoding_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `FRAME_ENCODING_ERROR`.";
            quic_transp_err_transport_parameter_error = "quic_transp_err_transport_parameter_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `TRANSPORT_PARAMETER_ERROR`.";
            quic_transp_err_connection_id_limit = "quic_transp_err_connection_id_limit",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `CONNECTION_ID_LIMIT_ERROR`.";
            quic_transp_err_protocol_violation_error = "quic_transp_err_protocol_violation_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `PROTOCOL_VIOLATION`.";
            quic_transp_err_invalid_token = "quic_transp_err_invalid_token",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `INVALID_TOKEN`.";
            quic_transp_err_application_error = "quic_transp_err_application_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `APPLICATION_ERROR`.";
            quic_transp_err_crypto_buffer_exceeded = "quic_transp_err_crypto_buffer_exceeded",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `CRYPTO_BUFFER_EXCEEDED`.";
            quic_transp_err_key_update_error = "quic_transp_err_key_update_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `KEY_UPDATE_ERROR`.";
            quic_transp_err_aead_limit_reached = "quic_transp_err_aead_limit_reached",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `AEAD_LIMIT_REACHED`.";
            quic_transp_err_no_viable_path = "quic_transp_err_no_viable_path",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with transport error `NO_VIABLE_PATH`.";
            quic_transp_err_crypto_error = "quic_transp_err_crypto_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with a `CRYPTO_ERROR`, which is a TLS alert.";
            quic_transp_err_unknown_error = "quic_transp_err_unknown_error",
                U64, Count, Counter, "3.0", [F B] Sum,
                "QUIC connections that the peer closed with a transport error unknown to HAProxy.";
            quic_data_blocked = "quic_data_blocked", U64, Count, Counter, "3.0", [F B] Sum,
                "`DATA_BLOCKED` frames received from peers at the flow control limit of the connection; \
                 added when it ends.";
            quic_stream_data_blocked = "quic_stream_data_blocked", U64, Count, Counter, "3.0", [F B] Sum,
                "`STREAM_DATA_BLOCKED` frames received from peers at the flow control limit of a stream; \
                 added when the connection ends.";
            quic_streams_blocked_bidi = "quic_streams_blocked_bidi", U64, Count, Counter, "3.0", [F B] Sum,
                "`STREAMS_BLOCKED` frames for bidirectional streams received, added when the connection \
                 ends.";
            quic_streams_blocked_uni = "quic_streams_blocked_uni", U64, Count, Counter, "3.0", [F B] Sum,
                "`STREAMS_BLOCKED` frames for unidirectional streams received, added when the connection \
                 ends.";
            quic_ncbuf_gap_limit = "quic_ncbuf_gap_limit", U64, Count, Counter, "3.4", [F B] Sum,
                "Times data received out of order could not be kept \
                 because it left too small a gap in the buffer.";

            // HTTP/2
            h2_headers_rcvd = "h2_headers_rcvd", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 HEADERS frames received.";
            h2_data_rcvd = "h2_data_rcvd", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 DATA frames received.";
            h2_settings_rcvd = "h2_settings_rcvd", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 SETTINGS frames received.";
            h2_rst_stream_rcvd = "h2_rst_stream_rcvd", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 `RST_STREAM` frames received.";
            h2_goaway_rcvd = "h2_goaway_rcvd", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 GOAWAY frames received.";
            h2_detected_conn_protocol_errors = "h2_detected_conn_protocol_errors",
                U64, Count, Counter, "2.6", [F B] Sum,
                "Protocol errors by HTTP/2 peers that affect the whole connection.";
            h2_detected_strm_protocol_errors = "h2_detected_strm_protocol_errors",
                U64, Count, Counter, "2.6", [F B] Sum,
                "Protocol errors by HTTP/2 peers that affect one stream.";
            h2_rst_stream_resp = "h2_rst_stream_resp", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 `RST_STREAM` frames sent because of an error.";
            h2_goaway_resp = "h2_goaway_resp", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 GOAWAY frames sent because of an error.";
            h2_open_connections = "h2_open_connections", U64, Count, Gauge, "2.6", [F B] Sum,
                "HTTP/2 connections open now, including idle ones.";
            h2_backend_open_streams = "h2_backend_open_streams", U64, Count, Gauge, "2.6", [F B] Sum,
                "HTTP/2 streams open now, also on frontends in spite of the name.";
            h2_total_connections = "h2_total_connections", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 connections so far.";
            h2_backend_total_streams = "h2_backend_total_streams", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/2 streams so far, also on frontends in spite of the name.";

            // HTTP/1
            h1_open_connections = "h1_open_connections", U64, Count, Gauge, "2.6", [F B] Sum,
                "HTTP/1 connections open now, including idle ones.";
            h1_open_streams = "h1_open_streams", U64, Count, Gauge, "2.6", [F B] Sum,
                "HTTP/1 requests in progress now.";
            h1_total_connections = "h1_total_connections", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/1 connections so far; on a backend, including HTTP health checks.";
            h1_total_streams = "h1_total_streams", U64, Count, Counter, "2.6", [F B] Sum,
                "HTTP/1 requests so far; on a backend, including HTTP health checks.";
            h1_bytes_in = "h1_bytes_in", U64, Bytes, Counter, "2.6", [F B] Sum,
                "Bytes received over HTTP/1 connections; on a backend, from servers, including HTTP \
                 health checks.";
            h1_bytes_out = "h1_bytes_out", U64, Bytes, Counter, "2.6", [F B] Sum,
                "Bytes sent over HTTP/1 connections; on a backend, to servers, including HTTP health checks.";
            h1_spliced_bytes_in = "h1_spliced_bytes_in", U64, Bytes, Counter, "2.6", [F B] Sum,
                "Part of `h1_bytes_in` that the kernel moved itself (splicing).";
            h1_spliced_bytes_out = "h1_spliced_bytes_out", U64, Bytes, Counter, "2.6", [F B] Sum,
                "Part of `h1_bytes_out` that the kernel moved itself (splicing).";
        }
    };
}
pub(crate) use for_each_column;

macro_rules! columns {
    ($(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $([$($kind:ident)*] $rule:ident)*, $doc:literal;
    )*) => {
        /// All columns that this crate knows, in the order in which HAProxy 3.4 prints them.
        pub const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            doc: $doc,
            value_type: ValueType::$wire,
            unit: Unit::$unit,
            nature: Nature::$nature,
            since: $since,
            shared: is_in_stats_file(Col::$accessor, Nature::$nature),
            kinds: &[$($((kind!($kind), Rule::$rule),)*)*],
        },)*];

        positions! { Col COLUMNS Column: $($accessor)* }
    };
}

/// Returns `true` if `shm-stats-file` contains the column: HAProxy's own counters, rates and ages,
/// except times that each process adds up itself and numbers of incarnations. Columns of modules,
/// after the separator, are always separate in each process.
const fn is_in_stats_file(column: Col, nature: Nature) -> bool {
    let own = column as u8 == Col::downtime as u8 || column as u8 == Col::srid as u8;
    matches!(nature, Nature::Counter | Nature::Rate | Nature::Age) && !own && !column.is_of_module()
}

macro_rules! kind {
    (F) => {
        RowKind::Frontend
    };
    (L) => {
        RowKind::Listener
    };
    (S) => {
        RowKind::Server
    };
    (B) => {
        RowKind::Backend
    };
}

for_each_column!(columns);

impl Col {
    /// Returns `true` if the column belongs to a module of HAProxy, such as TLS or HTTP/2.
    pub(crate) const fn is_of_module(self) -> bool {
        self as u8 > Self::separator as u8
    }

    /// Returns `true` if HAProxy calculates the number from counters as their difference. It can fall,
    /// although HAProxy tags it as a counter.
    ///
    /// HAProxy counts all others, or adds up counters, in all releases from 2.2 to 3.4.
    pub(crate) const fn is_derived(self) -> bool {
        self as u8 == Self::sess_other as u8
    }
}

impl Field for Col {
    fn value_type(self) -> ValueType {
        self.declared().value_type
    }

    fn nature(self) -> Nature {
        self.declared().nature
    }

    fn is_shared(self) -> bool {
        self.declared().shared
    }

    fn is_hidden_from_users(self) -> bool {
        HIDDEN_FROM_USERS.contains(&self.declared().name)
    }

    fn column(self) -> Option<Col> {
        Some(self)
    }
}
