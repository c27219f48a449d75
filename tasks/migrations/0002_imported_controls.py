"""A control of an imported table is known as a control, but not what its answer is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="hititem",
            name="known",
            field=models.BooleanField(
                help_text="A control's answer; an imported control has none.", null=True
            ),
        ),
        migrations.RemoveConstraint(
            model_name="hititem", name="only_a_control_has_a_known_answer"
        ),
        migrations.AddConstraint(
            model_name="hititem",
            constraint=models.CheckConstraint(
                condition=models.Q(("known", None), ("role", "study"))
                | models.Q(("pair", None), ("role", "control")),
                name="only_a_control_has_a_known_answer",
            ),
        ),
    ]
