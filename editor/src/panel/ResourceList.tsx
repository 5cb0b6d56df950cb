import { useQuery } from "@tanstack/react-query";
import { Icon } from "../look/Icon";
import { useDesk } from "../state/context";

/** The files that the flows name besides themselves. */
export function ResourceList() {
  const { editor, running } = useDesk();
  const path = running.path;
  const found = useQuery({ queryKey: ["resources", path], queryFn: () => editor.api.resources(path) });
  if (!found.data) return <p className="nothing">{found.error?.message ?? "Reading…"}</p>;
  if (found.data.resources.length === 0) return <p className="nothing">The flows name no other files.</p>;
  return (
    <ul className="plist" aria-label="Resources">
      {found.data.resources.map((each) => (
        <li key={each.path} className="vrow">
          <code>{each.path}</code>
          <span className={each.isThere ? "muted" : "bad"}>
            <Icon name={each.isThere ? "file" : "err"} small /> {each.isThere ? "there" : "missing"}
          </span>
        </li>
      ))}
    </ul>
  );
}
