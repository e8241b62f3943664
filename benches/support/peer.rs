//! The same work as most programs do it: with the `csv` crate, `serde` and a hash map.

use std::collections::HashMap;

use serde::Deserialize;

use super::Corpus;

macro_rules! row {
    (numbers $($number:ident)*; texts $($text:ident)*;) => {
        /// The columns of the management manual. The columns of modules, after the column `-`, are
        /// left out, as a program would do: this makes it faster.
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "filled to be measured, not to be used")]
        pub(crate) struct Row {
            #[serde(rename = "# pxname")]
            pxname: String,
            svname: String,
            #[serde(rename = "type")]
            kind: u8,
            lastsess: Option<i64>,
            $($number: Option<u64>,)*
            $($text: Option<String>,)*
        }

        impl Row {
            fn text_size(&self) -> usize {
                let optional = [$(&self.$text),*];
                let optional = optional.iter().flat_map(|text| text.as_ref()).map(String::capacity);
                self.pxname.capacity() + self.svname.capacity() + optional.sum::<usize>()
            }
        }
    };
}

row! {
    numbers
        qcur qmax scur smax slim stot bin bout dreq dresp ereq econ eresp wretr wredis weight act bck
        chkfail chkdown lastchg downtime qlimit pid iid sid throttle lbtot rate rate_lim rate_max
        check_code check_duration hrsp_1xx hrsp_2xx hrsp_3xx hrsp_4xx hrsp_5xx hrsp_other hanafail
        req_rate req_rate_max req_tot cli_abrt srv_abrt comp_in comp_out comp_byp comp_rsp qtime ctime
        rtime ttime agent_code agent_duration check_rise check_fall check_health agent_rise agent_fall
        agent_health conn_rate conn_rate_max conn_tot intercepted dcon dses wrew connect reuse
        cache_lookups cache_hits srv_icur src_ilim qtime_max ctime_max rtime_max ttime_max eint
        idle_conn_cur safe_conn_cur used_conn_cur need_conn_est uweight agg_server_status
        agg_server_check_status agg_check_status srid sess_other h1sess h2sess h3sess req_other h1req
        h2req h3req priv_idle_cur reqbin reqbout resbin resbout;
    texts
        tracked status last_chk last_agt check_status agent_status check_desc agent_desc addr cookie
        mode algo proto;
}

pub(crate) fn parse_all(corpus: &Corpus) -> Vec<Vec<Row>> {
    let parse = |dump: &String| {
        let mut reader = csv::Reader::from_reader(dump.trim_end().as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    };
    corpus.dumps.iter().map(parse).collect()
}

/// Computed number of bytes that the rows take. Like `Snapshot::heap_size`, it leaves out the
/// overhead of the allocator and the unused capacity of a vector that grows.
pub(crate) fn heap_size(rows: &[Row]) -> usize {
    size_of_val(rows) + rows.iter().map(Row::text_size).sum::<usize>()
}

/// Finds the rows of each object in all processes and reads five sums of it. The sum of the sums
/// keeps the compiler from dropping them.
pub(crate) fn five_figures(processes: &[Vec<Row>]) -> u64 {
    let mut objects: HashMap<_, Vec<&Row>> = HashMap::new();
    for row in processes.iter().flatten() {
        objects.entry((row.kind, &row.pxname, &row.svname)).or_default().push(row);
    }
    let figures: [fn(&Row) -> Option<u64>; 5] =
        [|row| row.scur, |row| row.smax, |row| row.stot, |row| row.bin, |row| row.bout];
    let sums = objects.values().flat_map(|rows| {
        figures.iter().map(move |figure| rows.iter().filter_map(|row| figure(row)).sum::<u64>())
    });
    sums.fold(0, u64::wrapping_add)
}
