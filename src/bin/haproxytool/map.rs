use haproxyadmin::map::EntryRef;

use crate::Views;
use crate::call::Call;
use crate::pattern;
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(file) = call.argument() else {
        return Ok(pattern::list(&views.read.maps().await?));
    };
    let (read, write) = (views.read.map(file)?, views.write.map(file)?);
    let done = match call.action {
        "show" => return Ok(pattern::show(&read.show().await?)),
        "count" => return Ok(pattern::count(&read.show().await?)),
        "get" => return Ok(pattern::found(&read.get(call.arguments::<2>()?[1]).await?)),
        "add" => {
            let [_, key, value] = call.arguments()?;
            write.add(key, value).await?
        }
        "add-all" => {
            let lines = pattern::lines(call.arguments::<2>().ok().map(|[_, path]| path))?;
            write.add_all(lines.iter().map(|line| pair(line))).await?
        }
        "set" => {
            let [_, key, value] = call.arguments()?;
            match key.parse::<EntryRef>() {
                Ok(entry) if key.starts_with('#') => write.set_entry(entry, value).await?,
                _ => write.set(key, value).await?,
            }
        }
        "delete" => {
            let [key] = call.later_arguments() else {
                return Ok(Report::changes(vec![write.delete_all(call.later_arguments()).await?]));
            };
            match key.parse::<EntryRef>() {
                Ok(entry) if key.starts_with('#') => write.delete_entry(entry).await?,
                _ => write.delete(key).await?,
            }
        }
        "replace" | "sync" => {
            let lines = pattern::lines(call.arguments::<2>().ok().map(|[_, path]| path))?;
            let entries = lines.iter().map(|line| pair(line));
            // Strict, unless --allow-partial is given: if one process fails, no process is changed.
            return pattern::changed(match (call.action, pattern::mirror(call)?) {
                ("replace", Some(path)) => {
                    return pattern::mirrored(path, read.replace_mirrored(entries, path).await);
                }
                ("replace", None) => read.replace(entries).await,
                (_, Some(path)) => return pattern::mirrored(path, read.sync_mirrored(entries, path).await),
                _ if call.given.has("plan") => return Ok(pattern::plan(&read.plan(entries).await?)),
                _ => read.sync(entries).await,
            });
        }
        _ => write.clear().await?,
    };
    Ok(Report::changes(vec![done]))
}

/// Splits a line of a map's file into key and value.
fn pair(line: &str) -> (&str, &str) {
    let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    (key, value.trim_matches([' ', '\t']))
}
