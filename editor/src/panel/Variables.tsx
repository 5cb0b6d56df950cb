import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../look/Button";
import { useDesk } from "../state/context";

/** The variables that the project declares, with what the file `.env` has for runs on this machine. */
export function Variables() {
  const { editor, running } = useDesk();
  const client = useQueryClient();
  const path = running.path;
  const [isOpen, open] = useState(false);
  const found = useQuery({ queryKey: ["env", path, isOpen], queryFn: () => editor.api.env(path, isOpen) });
  if (!found.data) return <p className="nothing">{found.error?.message ?? "Reading…"}</p>;
  const { variables, etag } = found.data;
  if (variables.length === 0) return <p className="nothing">This integration reads no variable.</p>;
  const set = async (name: string, value: string) => {
    try {
      await editor.api.setEnv(path, { [name]: value === "" ? null : value }, etag);
    } catch (error) {
      editor.notice.set(error instanceof Error ? error.message : String(error));
    }
    await client.invalidateQueries({ queryKey: ["env", path] });
  };
  return (
    <div>
      <div className="ph">
        <Button small kind="quiet" onPress={() => open(!isOpen)}>
          {isOpen ? "Hide values" : "Show values"}
        </Button>
        <span className="muted">Kept in .env, beside the flows, for this machine alone.</span>
      </div>
      <ul className="plist" aria-label="Variables">
        {variables.map((each) => (
          <li key={each.name} className="vrow">
            <code>
              {each.name}
              {each.isRequired && <span className="req">*</span>}
            </code>
            <span className="inp">
              <input
                className="grow mono"
                aria-label={each.name}
                type={isOpen ? "text" : "password"}
                defaultValue={each.value ?? ""}
                placeholder={each.source === "file" && !isOpen ? "set" : (each.default ?? "")}
                onBlur={(event) => {
                  const { value } = event.target;
                  if (value !== (each.value ?? "") && (isOpen || value !== "")) void set(each.name, value);
                }}
              />
            </span>
            <span className="muted">{each.source === "none" ? "not set" : `from the ${each.source}`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
