-- +goose Up
-- add column "rulings" to table: "clauses"
ALTER TABLE `clauses` ADD COLUMN `rulings` json NULL;
-- add column "published_at" to table: "standard_versions"
ALTER TABLE `standard_versions` ADD COLUMN `published_at` datetime NULL;
-- add column "reason" to table: "standard_versions"
ALTER TABLE `standard_versions` ADD COLUMN `reason` text NULL;
-- create "coordinations" table
CREATE TABLE `coordinations` (`id` text NOT NULL, `number` text NOT NULL, `state` text NOT NULL, `version` integer NOT NULL, `parties` json NOT NULL, `reason` text NOT NULL, `finding` json NOT NULL, `found` text NOT NULL, `analysis` text NOT NULL, `draft` text NULL, `minutes` json NOT NULL, `opened_at` datetime NOT NULL, `ruled_at` datetime NULL, `recorded_at` datetime NOT NULL, `event_count` integer NOT NULL, `lead_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `coordinations_departments_lead` FOREIGN KEY (`lead_id`) REFERENCES `departments` (`id`) ON DELETE NO ACTION);
-- create index "coordinations_number_key" to table: "coordinations"
CREATE UNIQUE INDEX `coordinations_number_key` ON `coordinations` (`number`);
-- create index "coordination_state" to table: "coordinations"
CREATE INDEX `coordination_state` ON `coordinations` (`state`);
-- create index "coordination_opened_at" to table: "coordinations"
CREATE INDEX `coordination_opened_at` ON `coordinations` (`opened_at`);
-- create "impact_runs" table
CREATE TABLE `impact_runs` (`id` text NOT NULL, `digest` text NOT NULL, `code` text NOT NULL, `standard_version` integer NOT NULL, `content` json NOT NULL, `state` text NOT NULL, `total` integer NOT NULL, `stride` integer NOT NULL, `seen` integer NOT NULL, `judged` integer NOT NULL, `cursor` text NOT NULL, `flips` json NOT NULL, `flipped` integer NOT NULL, `asked_by` text NOT NULL, `asked_at` datetime NOT NULL, `recorded_at` datetime NOT NULL, `ended_at` datetime NULL, `draft_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `impact_runs_standard_drafts_impact_runs` FOREIGN KEY (`draft_id`) REFERENCES `standard_drafts` (`id`) ON DELETE NO ACTION);
-- create index "impactrun_draft_id" to table: "impact_runs"
CREATE INDEX `impactrun_draft_id` ON `impact_runs` (`draft_id`);
-- create index "impactrun_unfinished" to table: "impact_runs"
CREATE INDEX `impactrun_unfinished` ON `impact_runs` (`asked_at`) WHERE ended_at IS NULL;
-- create "standard_drafts" table
CREATE TABLE `standard_drafts` (`id` text NOT NULL, `kind` text NOT NULL, `code` text NOT NULL, `base_version` integer NOT NULL, `state` text NOT NULL, `version` integer NOT NULL, `reason` text NOT NULL, `content` json NOT NULL, `digest` text NOT NULL, `dossier` json NOT NULL, `effective_from` text NULL, `published_version` integer NULL, `drafted_at` datetime NOT NULL, `recorded_at` datetime NOT NULL, `event_count` integer NOT NULL, `department_id` text NOT NULL, `coordination_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `standard_drafts_departments_department` FOREIGN KEY (`department_id`) REFERENCES `departments` (`id`) ON DELETE NO ACTION, CONSTRAINT `standard_drafts_coordinations_coordination` FOREIGN KEY (`coordination_id`) REFERENCES `coordinations` (`id`) ON DELETE SET NULL);
-- create index "standarddraft_state" to table: "standard_drafts"
CREATE INDEX `standarddraft_state` ON `standard_drafts` (`state`);
-- create index "standarddraft_code" to table: "standard_drafts"
CREATE INDEX `standarddraft_code` ON `standard_drafts` (`code`);
-- create index "standarddraft_drafted_at" to table: "standard_drafts"
CREATE INDEX `standarddraft_drafted_at` ON `standard_drafts` (`drafted_at`);
-- create "standard_events" table
CREATE TABLE `standard_events` (`id` text NOT NULL, `position` integer NOT NULL, `kind` text NOT NULL, `occurred_at` datetime NOT NULL, `recorded_at` datetime NOT NULL, `late` bool NOT NULL, `actor` text NOT NULL, `role` text NOT NULL, `department` text NULL, `data` json NULL, `coordination_id` text NULL, `draft_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `standard_events_coordinations_events` FOREIGN KEY (`coordination_id`) REFERENCES `coordinations` (`id`) ON DELETE SET NULL, CONSTRAINT `standard_events_standard_drafts_events` FOREIGN KEY (`draft_id`) REFERENCES `standard_drafts` (`id`) ON DELETE SET NULL);
-- create index "standardevent_draft_id_position" to table: "standard_events"
CREATE INDEX `standardevent_draft_id_position` ON `standard_events` (`draft_id`, `position`);
-- create index "standardevent_coordination_id_position" to table: "standard_events"
CREATE INDEX `standardevent_coordination_id_position` ON `standard_events` (`coordination_id`, `position`);

-- +goose Down
-- reverse: create index "standardevent_coordination_id_position" to table: "standard_events"
DROP INDEX `standardevent_coordination_id_position`;
-- reverse: create index "standardevent_draft_id_position" to table: "standard_events"
DROP INDEX `standardevent_draft_id_position`;
-- reverse: create "standard_events" table
DROP TABLE `standard_events`;
-- reverse: create index "standarddraft_drafted_at" to table: "standard_drafts"
DROP INDEX `standarddraft_drafted_at`;
-- reverse: create index "standarddraft_code" to table: "standard_drafts"
DROP INDEX `standarddraft_code`;
-- reverse: create index "standarddraft_state" to table: "standard_drafts"
DROP INDEX `standarddraft_state`;
-- reverse: create "standard_drafts" table
DROP TABLE `standard_drafts`;
-- reverse: create index "impactrun_unfinished" to table: "impact_runs"
DROP INDEX `impactrun_unfinished`;
-- reverse: create index "impactrun_draft_id" to table: "impact_runs"
DROP INDEX `impactrun_draft_id`;
-- reverse: create "impact_runs" table
DROP TABLE `impact_runs`;
-- reverse: create index "coordination_opened_at" to table: "coordinations"
DROP INDEX `coordination_opened_at`;
-- reverse: create index "coordination_state" to table: "coordinations"
DROP INDEX `coordination_state`;
-- reverse: create index "coordinations_number_key" to table: "coordinations"
DROP INDEX `coordinations_number_key`;
-- reverse: create "coordinations" table
DROP TABLE `coordinations`;
-- reverse: add column "reason" to table: "standard_versions"
ALTER TABLE `standard_versions` DROP COLUMN `reason`;
-- reverse: add column "published_at" to table: "standard_versions"
ALTER TABLE `standard_versions` DROP COLUMN `published_at`;
-- reverse: add column "rulings" to table: "clauses"
ALTER TABLE `clauses` DROP COLUMN `rulings`;
