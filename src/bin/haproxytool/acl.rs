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
            let [_, pattern] = call.arguments()?;
            match pattern.parse::<EntryRef>() {
                Ok(entry) if pattern.starts_with('#') => write.delete_entry(entry).await?,
                _ => write.delete(pattern).await?,
            }
        }
        _ => write.clear().await?,
    };
    Ok(Report::changes(vec![done]))
}
