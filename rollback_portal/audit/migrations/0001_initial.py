import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# Entries are only ever added: PostgreSQL itself refuses to change, delete or truncate them.
APPEND_ONLY = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Audit entries are append-only: % is refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_entry_is_append_only BEFORE UPDATE OR DELETE ON audit_auditentry
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_entry_is_not_truncated BEFORE TRUNCATE ON audit_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE audit_auditentry ENABLE ALWAYS TRIGGER audit_entry_is_append_only;
ALTER TABLE audit_auditentry ENABLE ALWAYS TRIGGER audit_entry_is_not_truncated;
"""

DROP_APPEND_ONLY = """
DROP TRIGGER audit_entry_is_not_truncated ON audit_auditentry;
DROP TRIGGER audit_entry_is_append_only ON audit_auditentry;
DROP FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("actor_name", models.CharField(max_length=200)),
                ("role", models.CharField(max_length=40)),
                ("action", models.CharField(max_length=60)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("asked", "requested"),
                            ("step", "on the way"),
                            ("done", "done"),
                            ("refused", "refused"),
                            ("failed", "failed"),
                            ("unclear", "unclear"),
                        ],
                        max_length=10,
                    ),
                ),
                ("subject", models.CharField(max_length=200)),
                ("message", models.TextField()),
                ("operation", models.UUIDField(db_index=True, null=True)),
                ("reason", models.TextField(blank=True)),
                ("incident", models.CharField(blank=True, max_length=100)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("provider_request_id", models.CharField(blank=True, max_length=200)),
                ("address", models.GenericIPAddressField(null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["at"], name="audit_audit_at_bd7d43_idx"),
                    models.Index(fields=["actor_name", "-id"], name="audit_audit_actor_n_614c8b_idx"),
                    models.Index(fields=["action", "-id"], name="audit_audit_action_c53347_idx"),
                    models.Index(fields=["subject", "-id"], name="audit_audit_subject_d036c0_idx"),
                    models.Index(
                        condition=models.Q(("incident", ""), _negated=True),
                        fields=["incident", "-id"],
                        name="audit_incident",
                    ),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
    ]
