// Runs @vercel/sdk against the sandbox: `node sdk.mjs ORIGIN`. The SDK validates responses against closed lists of
// values and fails for an unknown one. A required string or number that is missing or of another type it replaces
// without an error, but counts; such a count is a failure here, so that a response which Vercel would not give
// cannot pass. Prints one line per call, and exits with 1 if a call failed.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Vercel } from "@vercel/sdk";
import { startCountingDefaultToZeroValue } from "@vercel/sdk/types/defaultToZeroValue.js";
import { startCountingUnrecognized } from "@vercel/sdk/types/unrecognized.js";

const vercel = new Vercel({ bearerToken: "vcp_sandbox", serverURL: process.argv[2], retryConfig: { strategy: "none" } });
const team = { teamId: "team_sandbox" };
const web = "shop-web";
let failures = 0;

async function check(name, call) {
  const missing = startCountingDefaultToZeroValue();
  const strange = startCountingUnrecognized();
  try {
    const answer = await call().finally(() => {
      const guesses = Math.max(missing.end(), strange.end());
      assert.equal(guesses, 0, `the SDK had to replace ${guesses} values that were missing or of another type`);
    });
    console.log(`ok    ${name}`);
    return answer;
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${name}: ${error.name}: ${(error.pretty?.() ?? error.message).slice(0, 2000)}`);
    return undefined;
  }
}

async function refused(name, status, call) {
  await check(`${name} is refused with ${status}`, async () => {
    await assert.rejects(call, (error) => error.statusCode === status);
  });
}

const project = () => vercel.projects.getProject({ idOrName: web, ...team });

async function settled(type, target) {
  for (let look = 0; look < 100; look += 1) {
    const { lastAliasRequest: request, alias } = await project();
    if (request.type === type && request.jobStatus === "succeeded") {
      assert.ok(alias.every((row) => row.deployment.id === target), "a domain points elsewhere");
      return;
    }
    await sleep(50);
  }
  assert.fail(`${type} did not end`);
}

// --- Reads ---

const before = await check("getProject", project);
const current = before.targets.production.id;
await check("getProjects", async () => {
  const { projects } = await vercel.projects.getProjects(team);
  assert.deepEqual(projects.map((row) => row.name), [web]);
});
const { deployments } = await check("getDeployments of candidates", () =>
  vercel.deployments.getDeployments({
    projectId: web, rollbackCandidate: true, state: "READY,ERROR", target: "production", limit: 20, ...team,
  }),
);
const target = deployments[0].uid;
await check("getDeployments of everything, page by page", async () => {
  let until, count = 0;
  do {
    const page = await vercel.deployments.getDeployments({ projectId: web, limit: 30, until, ...team });
    count += page.deployments.length;
    until = page.pagination.next ?? undefined;
  } while (until !== undefined);
  assert.ok(count >= 60, `only ${count} deployments`);
});
for (const state of ["READY", "ERROR", "CANCELED"]) {
  await check(`getDeployment of one that is ${state}`, async () => {
    const page = await vercel.deployments.getDeployments({ projectId: web, state, limit: 1, ...team });
    const one = await vercel.deployments.getDeployment({ idOrUrl: page.deployments[0].uid, ...team });
    assert.equal(one.readyState, state);
    assert.equal(one.ownerId, team.teamId, "not the owner's view");
    assert.match(one.gitSource.sha, /^[0-9a-f]{40}$/);
  });
}
await check("getDeployment by its address", () =>
  vercel.deployments.getDeployment({ idOrUrl: deployments[0].url, ...team }));
await check("getDeploymentEvents", async () => {
  assert.ok((await vercel.deployments.getDeploymentEvents({ idOrUrl: current, ...team })).length > 3);
});
await check("listDeploymentAliases", async () => {
  const { aliases } = await vercel.aliases.listDeploymentAliases({ id: current, ...team });
  assert.equal(aliases.length, before.alias.length);
});
await check("getProjects by continuation token", async () => {
  const { pagination } = await vercel.projects.getProjects({ ...team, limit: "1" });
  assert.equal(pagination.next, null);
});
await check("listAliases", () => vercel.aliases.listAliases({ projectId: before.id, ...team }));
await check("getRollingRelease", () => vercel.rollingRelease.getRollingRelease({ idOrName: web, ...team }));
await check("getRollingReleaseConfig", () => vercel.rollingRelease.getRollingReleaseConfig({ idOrName: web, ...team }));
await check("getAuthUser", async () => assert.equal((await vercel.user.getAuthUser()).user.defaultTeamId, team.teamId));
await check("getTeam", async () => assert.equal((await vercel.teams.getTeam(team)).slug, "acme"));
await check("getTeams", () => vercel.teams.getTeams({}));
await check("listUserEvents", async () => {
  const types = "instant-rollback-created,manual-deployment-promotion-created";
  const { events } = await vercel.user.listUserEvents({ types, withPayload: "true", limit: 100, ...team });
  assert.equal(events.length, 2);
});

// --- Rollback, promotion, pin ---

const words = { projectId: before.id, ...team };
await refused("a rollback to what is current", 422, () =>
  vercel.projects.requestRollback({ ...words, deploymentId: current }));
await check("requestRollback", () =>
  vercel.projects.requestRollback({ ...words, deploymentId: target, description: "bad release" }));
await check("getProject while the domains move", async () => {
  assert.match((await project()).lastAliasRequest.jobStatus, /^(pending|in-progress)$/);
});
await refused("a second request meanwhile", 409, () =>
  vercel.projects.requestPromote({ ...words, deploymentId: current }));
await check("the rollback ends with every domain on the target", () => settled("rollback", target));
await check("afterwards the project is pinned and says why", async () => {
  const now = await project();
  assert.equal(now.autoAssignCustomDomains, false);
  assert.equal(now.rollbackDescription.description, "bad release");
  assert.equal(now.targets.production.id, target);
  assert.equal(now.crons.deploymentId, target);
});
// The SDK sends this call without its key; Vercel refuses that, and so must the sandbox.
await refused("a description without a key", 403, () =>
  vercel.projects.updateProjectsByProjectIdRollbackByDeploymentIdUpdateDescription({
    ...words, deploymentId: target, requestBody: { description: "worse" },
  }));
await check("updateProject: pin and unpin", async () => {
  const patch = (autoAssignCustomDomains) =>
    vercel.projects.updateProject({ idOrName: web, requestBody: { autoAssignCustomDomains }, ...team });
  assert.equal((await patch(true)).autoAssignCustomDomains, true);
  assert.equal((await patch(false)).autoAssignCustomDomains, false);
});
await check("requestPromote", () => vercel.projects.requestPromote({ ...words, deploymentId: current }));
await check("the promotion ends with every domain on it", () => settled("promote", current));
await check("listPromoteAliases", async () => {
  const { aliases } = await vercel.projects.listPromoteAliases(words);
  assert.deepEqual(new Set(aliases.map((row) => row.status)), new Set(["completed"]));
});
await refused("a promotion of what is current", 409, () =>
  vercel.projects.requestPromote({ ...words, deploymentId: current }));
await refused("a deployment that does not exist", 404, () =>
  vercel.deployments.getDeployment({ idOrUrl: "dpl_missing", ...team }));

// --- Rolling release ---

await check("startRollingRelease, getRollingRelease and completeRollingRelease", async () => {
  const canary = { idOrName: web, ...team, requestBody: { canaryDeploymentId: target } };
  const started = await vercel.rollingRelease.startRollingRelease(canary);
  assert.equal(started.rollingRelease.state, "ACTIVE");
  const { rollingRelease } = await vercel.rollingRelease.getRollingRelease({ idOrName: web, state: "ACTIVE", ...team });
  assert.equal(rollingRelease.canaryDeployment.id, target);
  assert.equal(rollingRelease.activeStage.targetPercentage, 10);
  const completed = await vercel.rollingRelease.completeRollingRelease(canary);
  assert.equal(completed.rollingRelease.state, "COMPLETE");
});

console.log(failures ? `${failures} calls failed` : "every call is as Vercel's own SDK expects");
process.exit(failures ? 1 : 0);
