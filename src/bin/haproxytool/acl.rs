use haproxyadmin::map::EntryRef;

use crate::Views;
use crate::call::Call;
use crate::pattern;
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(file) = call.argument() else {
        return Ok(pattern::list(&views.read.acls().await?));
    };
    let (read, write) = (views.read.acl(file)?, views.write.acl(file)?);
    let done = match call.action {
        "show" => return Ok(pattern::show(&read.show().await?)),
        "count" => return Ok(pattern::count(&read.show().await?)),
        "get" => return Ok(pattern::found(&read.get(call.arguments::<2>()?[1]).await?)),
        "add" => write.add(call.arguments::<2>()?[1]).await?,
        "add-all" => write.add_all(pattern::lines(call.arguments::<2>().ok().map(|[_, path]| path))?).await?,
        "delete" => {
            let [pattern] = call.later_arguments() else {
                return Ok(Report::changes(vec![write.delete_all(call.later_arguments()).await?]));
            };
            match pattern.parse::<EntryRef>() {
                Ok(entry) if pattern.starts_with('#') => write.delete_entry(entry).await?,
                _ => write.delete(pattern).await?,
            }
        }
        "replace" | "sync" => {
            let lines = pattern::lines(call.arguments::<2>().ok().map(|[_, path]| path))?;
            // Strict, unless --allow-partial is given: if one process fails, no process is changed.
            return pattern::changed(match (call.action, pattern::mirror(call)?) {
                ("replace", Some(path)) => {
                    return pattern::mirrored(path, read.replace_mirrored(lines, path).await);
                }
                ("replace", None) => read.replace(lines).await,
                (_, Some(path)) => return pattern::mirrored(path, read.sync_mirrored(lines, path).await),
                _ if call.given.has("plan") => return Ok(pattern::plan(&read.plan(lines).await?)),
                _ => read.sync(lines).await,
            });
        }
        _ => write.clear().await?,
    };
    Ok(Report::changes(vec![done]))
}
