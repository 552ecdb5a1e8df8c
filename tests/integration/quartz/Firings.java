import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TimeZone;
import org.quartz.CronExpression;

/**
 * The firings of cron expressions by Quartz, with EventBridge Scheduler's clock rule around them.
 *
 * <p>Standard input: one question a line, {@code fields TAB zone TAB instant TAB count}. Standard
 * output: for each the next firings strictly after the instant, as epoch seconds.
 *
 * <p>Quartz runs in UTC, so what it gives are wall times. java.time then places each in the zone:
 * one that the zone skips is dropped, of two offsets the earlier instant counts.
 */
class Firings {
    private static final Map<String, CronExpression> EXPRESSIONS = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        var questions = new BufferedReader(new InputStreamReader(System.in));
        var answers = new PrintStream(System.out, false);
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String[] parts = line.split("\t");
            answers.println(
                    firings(
                            expression(parts[0]),
                            ZoneId.of(parts[1]),
                            Instant.parse(parts[2]),
                            Integer.parseInt(parts[3])));
        }
        answers.flush();
    }

    private static CronExpression expression(String fields) throws Exception {
        CronExpression expression = EXPRESSIONS.get(fields);
        if (expression == null) {
            expression = new CronExpression("0 " + fields); // Quartz begins with seconds
            expression.setTimeZone(TimeZone.getTimeZone("UTC"));
            EXPRESSIONS.put(fields, expression);
        }
        return expression;
    }

    private static String firings(CronExpression expression, ZoneId zone, Instant after, int count) {
        var found = new StringJoiner(",");
        // A day early: a clock that is set back over midnight shows yesterday again.
        LocalDateTime from = LocalDateTime.ofInstant(after, zone).minusDays(1);
        Date wall = expression.getTimeAfter(Date.from(from.toInstant(ZoneOffset.UTC)));
        for (int left = count; left > 0 && wall != null; wall = expression.getTimeAfter(wall)) {
            LocalDateTime local = LocalDateTime.ofInstant(wall.toInstant(), ZoneOffset.UTC);
            List<ZoneOffset> offsets = zone.getRules().getValidOffsets(local);
            if (offsets.isEmpty()) {
                continue;
            }
            Instant firing = local.toInstant(offsets.get(0)); // the offset before the shift is first
            if (firing.isAfter(after)) {
                found.add(Long.toString(firing.getEpochSecond()));
                left--;
            }
        }
        return found.toString();
    }
}
