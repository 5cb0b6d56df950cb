import { expect, test } from "vitest";
import { graph, read } from "../../src/model";
import { catalogue } from "./catalogue";

const TEXT = `connectors:
  - {name: web, type: http}
  - {name: jobs, type: queue}
  - {name: crm, type: http-client, settings: {url: http://x}}
flows:
  - name: accept
    source: {connector: web, type: http, settings: {path: /}}
    deadLetter: {queue: lost}
    process:
      - {type: queue-dispatch, subject: '"resize"'}
      - {type: queue-dispatch, connector: jobs, subject: '"resize"'}
      - {type: queue-dispatch, connector: jobs, subject: 'body.queue'}
      - {type: flow-ref, flow: audit}
      - {type: flow-ref, flow: later, oneWay: true}
      - {type: flow-ref, flow: nobody}
  - name: resize
    source: {connector: jobs, type: queue, settings: {subject: resize}}
    deadLetter: {flow: audit}
    process: [{type: rest, connector: crm}, {type: rest, connector: crm}]
  - {name: audit, process: []}
  - {name: later, process: []}
`;

test("the map of an integration", () => {
  const { nodes, edges } = graph(read([["a.yaml", TEXT]], catalogue));
  expect(nodes.map((each) => each.id)).toEqual([
    "connector:web",
    "connector:jobs",
    "connector:crm",
    "flow:accept",
    "flow:resize",
    "flow:audit",
    "flow:later",
    "channel:jobs:resize",
    "channel::lost",
  ]);
  expect(edges.map((each) => `${each.id} ${each.blocks.length}`)).toEqual([
    "connector:web feeds flow:accept 0",
    "channel:jobs:resize feeds flow:resize 0",
    "connector:jobs feeds channel:jobs:resize 0",
    "flow:accept sends channel:jobs:resize 1",
    "flow:accept uses connector:jobs 1",
    "flow:accept calls flow:audit 1",
    "flow:accept sends flow:later 1",
    "flow:accept fails channel::lost 0",
    "flow:resize fails flow:audit 0",
    "flow:resize uses connector:crm 2",
  ]);
});
