-- +goose Up
-- modify "clauses" table
ALTER TABLE "clauses" ADD COLUMN "rulings" jsonb NULL;
-- modify "standard_versions" table
ALTER TABLE "standard_versions" ADD COLUMN "published_at" timestamptz NULL, ADD COLUMN "reason" character varying NULL;
-- create "coordinations" table
CREATE TABLE "coordinations" ("id" character varying NOT NULL, "number" character varying NOT NULL, "state" character varying NOT NULL, "version" bigint NOT NULL, "parties" jsonb NOT NULL, "reason" character varying NOT NULL, "finding" jsonb NOT NULL, "found" character varying NOT NULL, "analysis" character varying NOT NULL, "draft" character varying NULL, "minutes" jsonb NOT NULL, "opened_at" timestamptz NOT NULL, "ruled_at" timestamptz NULL, "recorded_at" timestamptz NOT NULL, "event_count" bigint NOT NULL, "lead_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "coordinations_departments_lead" FOREIGN KEY ("lead_id") REFERENCES "departments" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "coordination_opened_at" to table: "coordinations"
CREATE INDEX "coordination_opened_at" ON "coordinations" ("opened_at");
-- create index "coordination_state" to table: "coordinations"
CREATE INDEX "coordination_state" ON "coordinations" ("state");
-- create index "coordinations_number_key" to table: "coordinations"
CREATE UNIQUE INDEX "coordinations_number_key" ON "coordinations" ("number");
-- create "standard_drafts" table
CREATE TABLE "standard_drafts" ("id" character varying NOT NULL, "kind" character varying NOT NULL, "code" character varying NOT NULL, "base_version" bigint NOT NULL, "state" character varying NOT NULL, "version" bigint NOT NULL, "reason" character varying NOT NULL, "content" jsonb NOT NULL, "digest" character varying NOT NULL, "dossier" jsonb NOT NULL, "effective_from" character varying NULL, "published_version" bigint NULL, "drafted_at" timestamptz NOT NULL, "recorded_at" timestamptz NOT NULL, "event_count" bigint NOT NULL, "department_id" character varying NOT NULL, "coordination_id" character varying NULL, PRIMARY KEY ("id"), CONSTRAINT "standard_drafts_coordinations_coordination" FOREIGN KEY ("coordination_id") REFERENCES "coordinations" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "standard_drafts_departments_department" FOREIGN KEY ("department_id") REFERENCES "departments" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "standarddraft_code" to table: "standard_drafts"
CREATE INDEX "standarddraft_code" ON "standard_drafts" ("code");
-- create index "standarddraft_drafted_at" to table: "standard_drafts"
CREATE INDEX "standarddraft_drafted_at" ON "standard_drafts" ("drafted_at");
-- create index "standarddraft_state" to table: "standard_drafts"
CREATE INDEX "standarddraft_state" ON "standard_drafts" ("state");
-- create "impact_runs" table
CREATE TABLE "impact_runs" ("id" character varying NOT NULL, "digest" character varying NOT NULL, "code" character varying NOT NULL, "standard_version" bigint NOT NULL, "content" jsonb NOT NULL, "state" character varying NOT NULL, "total" bigint NOT NULL, "stride" bigint NOT NULL, "seen" bigint NOT NULL, "judged" bigint NOT NULL, "cursor" character varying NOT NULL, "flips" jsonb NOT NULL, "flipped" bigint NOT NULL, "asked_by" character varying NOT NULL, "asked_at" timestamptz NOT NULL, "recorded_at" timestamptz NOT NULL, "ended_at" timestamptz NULL, "draft_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "impact_runs_standard_drafts_impact_runs" FOREIGN KEY ("draft_id") REFERENCES "standard_drafts" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "impactrun_draft_id" to table: "impact_runs"
CREATE INDEX "impactrun_draft_id" ON "impact_runs" ("draft_id");
-- create index "impactrun_unfinished" to table: "impact_runs"
CREATE INDEX "impactrun_unfinished" ON "impact_runs" ("asked_at") WHERE (ended_at IS NULL);
-- create "standard_events" table
CREATE TABLE "standard_events" ("id" character varying NOT NULL, "position" bigint NOT NULL, "kind" character varying NOT NULL, "occurred_at" timestamptz NOT NULL, "recorded_at" timestamptz NOT NULL, "late" boolean NOT NULL, "actor" character varying NOT NULL, "role" character varying NOT NULL, "department" character varying NULL, "data" jsonb NULL, "coordination_id" character varying NULL, "draft_id" character varying NULL, PRIMARY KEY ("id"), CONSTRAINT "standard_events_coordinations_events" FOREIGN KEY ("coordination_id") REFERENCES "coordinations" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "standard_events_standard_drafts_events" FOREIGN KEY ("draft_id") REFERENCES "standard_drafts" ("id") ON UPDATE NO ACTION ON DELETE SET NULL);
-- create index "standardevent_coordination_id_position" to table: "standard_events"
CREATE INDEX "standardevent_coordination_id_position" ON "standard_events" ("coordination_id", "position");
-- create index "standardevent_draft_id_position" to table: "standard_events"
CREATE INDEX "standardevent_draft_id_position" ON "standard_events" ("draft_id", "position");

-- +goose Down
-- reverse: create index "standardevent_draft_id_position" to table: "standard_events"
DROP INDEX "standardevent_draft_id_position";
-- reverse: create index "standardevent_coordination_id_position" to table: "standard_events"
DROP INDEX "standardevent_coordination_id_position";
-- reverse: create "standard_events" table
DROP TABLE "standard_events";
-- reverse: create index "impactrun_unfinished" to table: "impact_runs"
DROP INDEX "impactrun_unfinished";
-- reverse: create index "impactrun_draft_id" to table: "impact_runs"
DROP INDEX "impactrun_draft_id";
-- reverse: create "impact_runs" table
DROP TABLE "impact_runs";
-- reverse: create index "standarddraft_state" to table: "standard_drafts"
DROP INDEX "standarddraft_state";
-- reverse: create index "standarddraft_drafted_at" to table: "standard_drafts"
DROP INDEX "standarddraft_drafted_at";
-- reverse: create index "standarddraft_code" to table: "standard_drafts"
DROP INDEX "standarddraft_code";
-- reverse: create "standard_drafts" table
DROP TABLE "standard_drafts";
-- reverse: create index "coordinations_number_key" to table: "coordinations"
DROP INDEX "coordinations_number_key";
-- reverse: create index "coordination_state" to table: "coordinations"
DROP INDEX "coordination_state";
-- reverse: create index "coordination_opened_at" to table: "coordinations"
DROP INDEX "coordination_opened_at";
-- reverse: create "coordinations" table
DROP TABLE "coordinations";
-- reverse: modify "standard_versions" table
ALTER TABLE "standard_versions" DROP COLUMN "reason", DROP COLUMN "published_at";
-- reverse: modify "clauses" table
ALTER TABLE "clauses" DROP COLUMN "rulings";
