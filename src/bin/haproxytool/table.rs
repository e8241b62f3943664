use haproxyadmin::table::{Comparison, Condition, Datum, TableEntries, TableEntry, TableInfo};
use haproxyadmin::{Change, Outcomes};
use serde_json::{Map, Value, json};

use crate::Views;
use crate::call::Call;
use crate::options::{one_of, parse};
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    match call.action {
        "list" => list(views).await,
        "show" => show(call, views).await,
        "set" => Ok(Report::changes(vec![set(call, views).await?])),
        _ => Ok(Report::changes(vec![clear(call, views).await?])),
    }
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.tables().await?;
    Ok(Report::of_each(["TABLE", "TYPE", "SIZE", "USED"], &lists, |tables| {
        let row = |table: &TableInfo| {
            let [size, used] = [table.size, table.used].map(|count| count.to_string());
            [table.name.to_string(), table.key_type.to_string(), size, used]
        };
        tables.iter().map(row).collect()
    }))
}

/// Shows the entries of each process, with their values in one column.
async fn show(call: &Call, views: &Views) -> Result<Report, Problem> {
    let [name] = call.arguments()?;
    let table = views.read.table(name)?;
    let found = match choice(call)? {
        Choice::Key(key) => table.get(key).await?,
        Choice::Conditions(conditions) => table.show_where(&conditions).await?,
    };
    let mut rows = vec![["PROCESS", "KEY", "EXPIRES", "USE", "DATA"].map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, entries) in found.values() {
        for entry in entries {
            let data: Vec<String> = entry.data().map(|datum| word(&datum)).collect();
            rows.push(vec![
                label.to_string(),
                format!("{:?}", entry.key_text()).trim_matches('"').to_owned(),
                format!("{:?}", entry.expires_in()),
                entry.in_use().to_string(),
                data.join(" "),
            ]);
        }
        json.insert(label.to_string(), values(entries));
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&found))
}

fn values(entries: &TableEntries) -> Value {
    let datum = |datum: Datum<'_>| {
        let value = datum.number().map_or_else(|| Value::from(datum.value), Value::from);
        let period = datum.period.map(|period| period.as_millis());
        json!({"name": datum.name, "period_ms": period, "value": value})
    };
    let entry = |entry: TableEntry<'_>| {
        json!({
            "key": entry.key_text(),
            "expires_in_ms": entry.expires_in().as_millis(),
            "in_use": entry.in_use(),
            "data": entry.data().map(datum).collect::<Vec<_>>(),
        })
    };
    entries.iter().map(entry).collect()
}

/// Returns `NAME=VALUE`, or `NAME(PERIOD)=VALUE` for a rate.
fn word(datum: &Datum<'_>) -> String {
    match datum.period {
        Some(period) => format!("{}({period:?})={}", datum.name, datum.value),
        None => format!("{}={}", datum.name, datum.value),
    }
}

async fn set(call: &Call, views: &Views) -> Result<Outcomes<Change>, Problem> {
    let [name, key, words @ ..] = call.words() else {
        return Err(Problem::Usage("expected NAME KEY DATA VALUE".into()));
    };
    let mut values = Vec::new();
    for pair in words.chunks(2) {
        let [datum, value] = pair else {
            return Err(Problem::Usage(format!("expected a value for {:?}", pair.concat())));
        };
        values.push((datum, parse::<u64>("a whole number", value)?));
    }
    Ok(views.write.table(name)?.set(key, values).await?)
}

async fn clear(call: &Call, views: &Views) -> Result<Outcomes<Change>, Problem> {
    let [name] = call.arguments()?;
    let table = views.write.table(name)?;
    Ok(match choice(call)? {
        Choice::Key(key) => table.delete(key).await?,
        Choice::Conditions(conditions) if conditions.is_empty() => table.clear().await?,
        Choice::Conditions(conditions) => table.clear_where(&conditions).await?,
    })
}

/// The entries that an action is for.
enum Choice<'a> {
    Key(&'a str),
    /// All entries that meet these conditions.
    Conditions(Vec<Condition>),
}

fn choice(call: &Call) -> Result<Choice<'_>, Problem> {
    let data = call.given.all("data");
    match call.given.value("key") {
        Some(key) if data.is_empty() => Ok(Choice::Key(key)),
        Some(_) => Err(Problem::Usage("takes --key or --data, not both".into())),
        None => data.iter().map(|words| condition(words)).collect::<Result<_, _>>().map(Choice::Conditions),
    }
}

fn condition(words: &[String]) -> Result<Condition, Problem> {
    let [name, comparison, value] = words else {
        return Err(Problem::Usage("expected --data TYPE OP VALUE".into()));
    };
    let comparison = one_of(comparison, &COMPARISONS)?;
    Ok(Condition::new(name, comparison, parse("a whole number", value)?))
}

const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::AtMost,
    Comparison::AtLeast,
    Comparison::Less,
    Comparison::Greater,
];
