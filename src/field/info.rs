//! Keys of `show info`, in the order in which HAProxy 3.4 prints them. Keys that 3.4 no longer has
//! are placed where older releases print them.
//!
//! Form of an entry: accessor = "name", type, unit, nature, first release, merge rule, description.

use super::{InfoKey, Nature, Rule, Unit, ValueType};

/// Calls `$callback!` with the whole table.
macro_rules! for_each_key {
    ($callback:ident $(, $argument:tt)*) => {
        $callback! {
            $($argument)*
            name = "Name", Text, None, Output, "2.2", Same,
                "Name of the product, `HAProxy`.";
            version = "Version", Text, None, Output, "2.2", Same,
                "Release of HAProxy with the packager's suffix, such as `3.4.7-1`.";
            release_date = "Release_date", Text, None, Output, "2.2", Same,
                "Date of the newest change to HAProxy's sources in this build.";
            nbthread = "Nbthread", U32, Count, Gauge, "2.2", Same,
                "Threads that the process runs.";
            nbproc = "Nbproc", U32, Count, Gauge, "2.2", Same,
                "Processes that `nbproc` asked for; always 1 where HAProxy no longer has that setting.";
            process_num = "Process_num", U32, Code, Gauge, "2.2", PerProcess,
                "Number of the process within one HAProxy that runs several (`nbproc`), else 1.";
            pid = "Pid", U32, Code, Gauge, "2.2", PerProcess,
                "The system's id of the process, which in a container \
                 is the container's and so may repeat in another.";
            uptime = "Uptime", Text, None, Duration, "2.2", PerProcess,
                "Time since the start for people to read, such as `0d 0h02m37s`; \
                 `Uptime_sec` has it as a number.";
            uptime_sec = "Uptime_sec", U32, Seconds, Duration, "2.2", Min,
                "Time since the process started.";
            memmax_mb = "Memmax_MB", U32, Megabytes, Limit, "2.2", Limit,
                "Memory the process may use (`-m` on the command line).";
            pool_alloc_mb = "PoolAlloc_MB", U32, Megabytes, Gauge, "2.2", Sum,
                "Memory that the pools hold, in whole megabytes; `PoolAlloc_bytes` is exact.";
            pool_used_mb = "PoolUsed_MB", U32, Megabytes, Gauge, "2.2", Sum,
                "Memory of the pools that is in use, in whole megabytes; `PoolUsed_bytes` is exact.";
            pool_failed = "PoolFailed", U32, Count, Counter, "2.2", Sum,
                "Times a pool could not get memory.";
            ulimit_n = "Ulimit-n", U32, Count, Limit, "2.2", Limit,
                "File descriptors the process may have open.";
            maxsock = "Maxsock", U32, Count, Limit, "2.2", Limit,
                "Sockets the process may have open.";
            maxconn = "Maxconn", U32, Count, Limit, "2.2", Limit,
                "Connections from clients allowed at a time; `set maxconn global` can lower it at run time.";
            hard_maxconn = "Hard_maxconn", U32, Count, Limit, "2.2", Limit,
                "Highest value that `Maxconn` can be set to at run time.";
            curr_conns = "CurrConns", U32, Count, Gauge, "2.2", Sum,
                "Connections from clients open now, those to stats sockets left out.";
            cum_conns = "CumConns", U32, Count, Counter, "2.2", Sum,
                "Connections so far of every sort: of clients, \
                 to stats sockets, and those of health checks to servers.";
            cum_req = "CumReq", U32, Count, Counter, "2.2", Sum,
                "Streams so far, so besides HTTP requests also TCP sessions and commands on stats sockets.";
            max_ssl_conns = "MaxSslConns", U32, Count, Max, "2.2", Limit,
                "TLS connections allowed at a time on both sides (`maxsslconn`); a setting, not a peak.";
            curr_ssl_conns = "CurrSslConns", U32, Count, Gauge, "2.2", Sum,
                "TLS connections open now, to clients and to servers.";
            cum_ssl_conns = "CumSslConns", U32, Count, Counter, "2.2", Sum,
                "TLS connections so far, with clients and with servers, failed handshakes included.";
            maxpipes = "Maxpipes", U32, Count, Limit, "2.2", Same,
                "Pipes allowed for splicing (`maxpipes`); \
                 worked out from the configuration if unset, 0 where nothing splices.";
            pipes_used = "PipesUsed", U32, Count, Gauge, "2.2", Sum,
                "Pipes in use for splicing now.";
            pipes_free = "PipesFree", U32, Count, Gauge, "2.2", Sum,
                "Pipes for splicing that are open and not in use.";
            conn_rate = "ConnRate", U32, PerSecond, Rate, "2.2", Sum,
                "Connections accepted from clients in the last second.";
            conn_rate_limit = "ConnRateLimit", U32, PerSecond, Limit, "2.2", Limit,
                "Connections accepted in a second at most (`maxconnrate`).";
            max_conn_rate = "MaxConnRate", U32, PerSecond, Max, "2.2", Range,
                "Most connections accepted in one second.";
            sess_rate = "SessRate", U32, PerSecond, Rate, "2.2", Sum,
                "Sessions begun in the last second.";
            sess_rate_limit = "SessRateLimit", U32, PerSecond, Limit, "2.2", Limit,
                "Sessions begun in a second at most (`maxsessrate`).";
            max_sess_rate = "MaxSessRate", U32, PerSecond, Rate, "2.2", Range,
                "Most sessions begun in one second; a peak, whatever its nature says.";
            ssl_rate = "SslRate", U32, PerSecond, Rate, "2.2", Sum,
                "TLS connections accepted from clients in the last second.";
            ssl_rate_limit = "SslRateLimit", U32, PerSecond, Limit, "2.2", Limit,
                "TLS connections accepted in a second at most (`maxsslrate`).";
            max_ssl_rate = "MaxSslRate", U32, PerSecond, Max, "2.2", Range,
                "Most TLS connections accepted in one second.";
            ssl_frontend_key_rate = "SslFrontendKeyRate", U32, PerSecond, Gauge, "2.2", Sum,
                "Full TLS handshakes with clients in the last second.";
            ssl_frontend_max_key_rate = "SslFrontendMaxKeyRate", U32, PerSecond, Max, "2.2", Range,
                "Most full TLS handshakes with clients in one second.";
            ssl_frontend_session_reuse_pct = "SslFrontendSessionReuse_pct", U32, Percent, Gauge, "2.2", Mean,
                "Share of clients' TLS connections that resumed a session, \
                 over the last second; 0 also without traffic.";
            ssl_backend_key_rate = "SslBackendKeyRate", U32, PerSecond, Rate, "2.2", Sum,
                "Full TLS handshakes with servers in the last second, those of health checks included.";
            ssl_backend_max_key_rate = "SslBackendMaxKeyRate", U32, PerSecond, Max, "2.2", Range,
                "Most full TLS handshakes with servers in one second.";
            ssl_cache_lookups = "SslCacheLookups", U32, Count, Counter, "2.2", Sum,
                "TLS sessions looked for in the session cache; those resumed by ticket do not use it.";
            ssl_cache_misses = "SslCacheMisses", U32, Count, Counter, "2.2", Sum,
                "TLS sessions looked for in the session cache and not found.";
            compress_bps_in = "CompressBpsIn", U32, BytesPerSecond, Rate, "2.2", Sum,
                "Bytes handed to the HTTP compressor in the last second.";
            compress_bps_out = "CompressBpsOut", U32, BytesPerSecond, Rate, "2.2", Sum,
                "Bytes that came out of the HTTP compressor in the last second.";
            compress_bps_rate_lim = "CompressBpsRateLim", U32, BytesPerSecond, Limit, "2.2", Limit,
                "Output of the HTTP compressor above which it stops (`maxcomprate`).";
            zlib_mem_usage = "ZlibMemUsage", U32, Bytes, Gauge, "2.2", Sum,
                "Memory that compression uses now; only builds with zlib have the key.";
            max_zlib_mem_usage = "MaxZlibMemUsage", U32, Bytes, Limit, "2.2", Limit,
                "Memory above which compression stops (`maxzlibmem`); only builds with zlib have the key.";
            tasks = "Tasks", U32, Count, Gauge, "2.2", Sum,
                "Tasks that exist, waiting ones included.";
            run_queue = "Run_queue", U32, Count, Gauge, "2.2", Sum,
                "Tasks ready to run now.";
            idle_pct = "Idle_pct", U32, Percent, Average, "2.2", Mean,
                "Share of the last second that one thread, the one that answered, spent waiting for work.";
            node = "node", Text, None, Output, "2.2", Same,
                "Name of the node (`node`), by default the host's name.";
            description = "description", Text, None, Output, "2.2", SameOrEmpty,
                "Text that the configuration gives the process (`description`); \
                 a process without one does not print the key.";
            stopping = "Stopping", U32, Count, Gauge, "2.2", Sum,
                "Whether the process only finishes what it has before it ends (1 if so); \
                 summed, how many processes do.";
            jobs = "Jobs", U32, Count, Gauge, "2.2", Sum,
                "Connections, listeners and other work that keep the process from ending.";
            unstoppable_jobs = "Unstoppable Jobs", U32, Count, Gauge, "2.2", Sum,
                "Part of `Jobs` that does not keep a stopping process alive, \
                 such as the connection to the master.";
            listeners = "Listeners", U32, Count, Gauge, "2.2", Sum,
                "Listeners open now, stats sockets included.";
            active_peers = "ActivePeers", U32, Count, Gauge, "2.2", Sum,
                "Peers of `peers` sections with a session under way.";
            connected_peers = "ConnectedPeers", U32, Count, Gauge, "2.2", Sum,
                "Peers of `peers` sections whose session is established.";
            dropped_logs = "DroppedLogs", U32, Count, Gauge, "2.2", Sum,
                "Log messages that could not be sent.";
            // A gauge by its nature, but it only repeats a setting. A sum would hide differences
            // between processes.
            busy_polling = "BusyPolling", U32, Code, Gauge, "2.2", Same,
                "Whether the process polls without sleeping (`busy-polling`, \
                 1 if so), using all its CPU even when idle.";
            failed_resolutions = "FailedResolutions", U32, Count, Gauge, "2.2", Sum,
                "DNS resolutions that failed.";
            total_bytes_out = "TotalBytesOut", U64, Bytes, Gauge, "2.2", Sum,
                "Bytes sent over all connections, stats sockets included; \
                 only grows, whatever its nature says.";
            total_splicded_bytes_out = "TotalSplicdedBytesOut", U64, Bytes, Gauge, "2.6", Sum,
                "Part of `TotalBytesOut` that the kernel moved by itself; \
                 2.6 spells the key so, `TotalSplicedBytesOut` later.";
            total_spliced_bytes_out = "TotalSplicedBytesOut", U64, Bytes, Gauge, "3.0", Sum,
                "Part of `TotalBytesOut` that the kernel moved by itself (splicing).";
            bytes_out_rate = "BytesOutRate", U64, BytesPerSecond, Rate, "2.2", Sum,
                "Bytes sent in the last second over all connections, stats sockets included.";
            debug_commands_issued = "DebugCommandsIssued", U32, Count, Gauge, "2.2", Sum,
                "Debugging commands given that can harm the process; above 0 it can no longer be trusted.";
            cum_recv_logs = "CumRecvLogs", U32, Count, Counter, "2.6", Sum,
                "Log messages received by `log-forward` listeners.";
            build_info = "Build info", Text, None, Output, "2.2", Same,
                "Text that the packager built in, as a rule the same as `Version`.";
            memmax_bytes = "Memmax_bytes", U32, Bytes, Limit, "2.6", Limit,
                "Memory the process may use (`-m` on the command line).";
            pool_alloc_bytes = "PoolAlloc_bytes", U64, Bytes, Gauge, "2.6", Sum,
                "Memory that the pools hold.";
            pool_used_bytes = "PoolUsed_bytes", U64, Bytes, Gauge, "2.6", Sum,
                "Memory of the pools that is in use.";
            start_time_sec = "Start_time_sec", U32, UnixSeconds, Duration, "2.6", Max,
                "When the process started; of several, the start of the youngest.";
            tainted = "Tainted", Text, Code, Gauge, "2.6", Same,
                "Flags in hexadecimal for what has put the process outside normal support, 0 for nothing.";
            total_warnings = "TotalWarnings", U32, Count, Counter, "3.0", Sum,
                "Warnings that the process has issued, those about its configuration included.";
            maxconn_reached = "MaxconnReached", U32, Count, Counter, "3.0", Sum,
                "Times that accepting connections had to stop because `Maxconn` was reached.";
            boot_time_ms = "BootTime_ms", U32, Milliseconds, Duration, "3.0", Max,
                "Time from reading the configuration until the process was ready.";
            niced_tasks = "Niced_tasks", U32, Count, Gauge, "3.0", Sum,
                "Part of `Run_queue` that runs at another than normal priority (`nice`).";
            curr_streams = "CurrStreams", U64, Count, Gauge, "3.0", Sum,
                "Streams open now, the command that asks for this included.";
            cum_streams = "CumStreams", U64, Count, Gauge, "3.0", Sum,
                "Streams so far: HTTP requests, TCP sessions and commands on stats sockets.";
            blocked_traffic_warnings = "BlockedTrafficWarnings", U32, Count, Gauge, "3.0", Sum,
                "Warnings that traffic stood still because a task held its thread for too long.";
            patterns_added = "PatternsAdded", U64, Count, Gauge, "3.4", Sum,
                "Entries added to maps and ACLs, those loaded at the start included.";
            patterns_freed = "PatternsFreed", U64, Count, Gauge, "3.4", Sum,
                "Entries removed from maps and ACLs.";
            nb_thread_groups = "NbThreadGroups", U32, Count, Gauge, "3.4", Same,
                "Groups that the threads form (`thread-groups`).";
        }
    };
}
pub(crate) use for_each_key;

macro_rules! table {
    ($(
        $accessor:ident = $name:literal, $wire:ident, $unit:ident, $nature:ident, $since:literal,
        $rule:ident, $doc:literal;
    )*) => {
        /// All keys that this crate knows.
        pub const KEYS: &[InfoKey] = &[$(InfoKey {
            name: $name,
            doc: $doc,
            value_type: ValueType::$wire,
            unit: Unit::$unit,
            nature: Nature::$nature,
            since: $since,
            rule: Rule::$rule,
        },)*];

        /// Position of a key in [`KEYS`].
        #[allow(non_camel_case_types, reason = "a key is spelt as its accessor")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Key { $($accessor,)* }

        impl Key {
            /// Every key, in the order of [`KEYS`].
            pub(crate) const ALL: &[Self] = &[$(Self::$accessor,)*];
        }
    };
}

for_each_key!(table);
