import { Button } from "../look/Button";
import { Icon } from "../look/Icon";
import { useDesk, useStore } from "../state/context";
import { time } from "../state/shown";

/** The tests of the project: run, and what each case found. */
export function Tests() {
  const { running } = useDesk();
  const { isRunning, cases, planned, tested } = useStore(running.testing);
  const totals = tested?.totals;
  return (
    <div>
      <div className="ph">
        <Button small isDisabled={isRunning} onPress={() => void running.test(running.path)}>
          <Icon name="play" small />
          {isRunning ? `Running ${cases.length} of ${planned}` : "Run the tests"}
        </Button>
        {totals && (
          <span className="muted">
            {totals.passed} of {totals.cases} passed, {time(totals.elapsedMs)}
            {tested.coverage && `, ${Math.round(tested.coverage.percent)} % covered`}
          </span>
        )}
      </div>
      {tested?.problems.map((each) => (
        <p key={`${each.file}:${each.line}:${each.message}`} className="nothing bad">
          {each.file}:{each.line}: {each.message}
        </p>
      ))}
      <ul className="plist" aria-label="Cases">
        {cases.map((each) => (
          <li key={each.id} className="trow">
            <Icon
              name={each.status === "passed" ? "check" : "x"}
              className={each.status === "passed" ? "ok" : "bad"}
              label={each.status}
            />
            <span>
              {each.name}
              {each.failures.map((failure) => (
                <pre key={failure.summary} className="bad">
                  {failure.summary}
                  {failure.detail && `\n${failure.detail}`}
                </pre>
              ))}
            </span>
            <span className="muted cut">{each.flow}</span>
            <span className="muted num">{time(each.elapsedMs)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
