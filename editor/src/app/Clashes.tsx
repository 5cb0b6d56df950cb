import { Button } from "../look/Button";
import { useDesk, useStore } from "../state/context";

/** Files that somebody else has changed while there are edits of ours: whose text goes on is for people to say. */
export function Clashes() {
  const { editor } = useDesk();
  const [clash] = useStore(editor.clashes);
  if (!clash) return null;
  const { path, theirs } = clash;
  return (
    <div className="clash" role="alertdialog" aria-label="Changed elsewhere">
      <p>
        <b>{path}</b>{" "}
        {theirs ? "was changed elsewhere, and has edits of yours here." : "is gone, and has edits of yours here."}
      </p>
      <Button onPress={() => editor.keepOurs(clash)}>Keep mine</Button>
      <Button onPress={() => editor.takeTheirs(clash)}>{theirs ? "Take theirs" : "Let it go"}</Button>
    </div>
  );
}
